#Requires -RunAsAdministrator
# Port settings, by portproof VERSION, for 10.0.0.5.
#
# What it does: The RPC runtime takes ports for its listeners from 54900-55099 only. Outgoing
# connections stay as they are. One DCOM application gets a port of its own. Static ports are
# reserved, so that the system gives them to nobody else.
# Whom it affects: every RPC and DCOM server on the host that takes a dynamic port, those of the
# system included. Programs with sockets of their own (Socket.IO and the like) do not use RPC, and
# are not affected.
# Restart: needed. RPC reads the values when the host starts. A malformed value makes it ignore
# all of them: change them by script only.
# To take it back: run undo-settings-windows.ps1
# This is no proof that the range is large enough. Afterwards record the host at work, a restart
# included, and run: portproof validate --range 54900-55099 --scope rpc
#
# WARNING: 5 static ports lie inside 54900-55099, 54901/tcp (given with --static) among them; they
# are left out, and 195 ports remain.
# WARNING: 54900-55099 overlaps 49152-65535, from which Windows also serves outgoing connections:
# RPC may find its ports taken. A range outside of it avoids that.
#
$ErrorActionPreference = 'Stop'
$missed = 0

# What is set now is kept beside this script, the first time only. Keep these files: undo needs
# them.
$before = Join-Path $PSScriptRoot 'before-windows.txt'
if (-not (Test-Path -LiteralPath $before)) {
    & {
        & netsh.exe int ipv4 show dynamicport tcp
        & netsh.exe int ipv4 show dynamicport udp
        & netsh.exe int ipv4 show excludedportrange tcp
        & netsh.exe int ipv4 show excludedportrange udp
        & netsh.exe int ipv6 show dynamicport tcp
        & netsh.exe int ipv6 show dynamicport udp
        & netsh.exe int ipv6 show excludedportrange tcp
        & netsh.exe int ipv6 show excludedportrange udp
    } | Out-File -LiteralPath $before
    if (Test-Path -LiteralPath 'Registry::HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Rpc\Internet') { & reg.exe export 'HKLM\SOFTWARE\Microsoft\Rpc\Internet' (Join-Path $PSScriptRoot 'before-rpc.reg') /y | Out-Null }
    if (Test-Path -LiteralPath 'Registry::HKEY_LOCAL_MACHINE\SOFTWARE\Classes\AppID\{13486D44-4821-11D2-A494-3CB306C10000}') { & reg.exe export 'HKLM\SOFTWARE\Classes\AppID\{13486D44-4821-11D2-A494-3CB306C10000}' (Join-Path $PSScriptRoot 'before-appid-1.reg') /y | Out-Null }
}

# 54901-54902/tcp: given with --static. A port that is in use cannot be reserved: stop its service
# first.
& netsh.exe int ipv4 add excludedportrange protocol=tcp startport=54901 numberofports=2 store=persistent; if ($LASTEXITCODE -ne 0) { $missed = 1 }
& netsh.exe int ipv6 add excludedportrange protocol=tcp startport=54901 numberofports=2 store=persistent | Out-Null
# 54967/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8. A port that is in use cannot
# be reserved: stop its service first.
& netsh.exe int ipv4 add excludedportrange protocol=tcp startport=54967 numberofports=1 store=persistent; if ($LASTEXITCODE -ne 0) { $missed = 1 }
& netsh.exe int ipv6 add excludedportrange protocol=tcp startport=54967 numberofports=1 store=persistent | Out-Null
# 54977/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8. A port that is in use cannot
# be reserved: stop its service first.
& netsh.exe int ipv4 add excludedportrange protocol=tcp startport=54977 numberofports=1 store=persistent; if ($LASTEXITCODE -ne 0) { $missed = 1 }
& netsh.exe int ipv6 add excludedportrange protocol=tcp startport=54977 numberofports=1 store=persistent | Out-Null
# 54987/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8. A port that is in use cannot
# be reserved: stop its service first.
& netsh.exe int ipv4 add excludedportrange protocol=tcp startport=54987 numberofports=1 store=persistent; if ($LASTEXITCODE -ne 0) { $missed = 1 }
& netsh.exe int ipv6 add excludedportrange protocol=tcp startport=54987 numberofports=1 store=persistent | Out-Null
# 55967/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8. A port that is in use cannot
# be reserved: stop its service first.
& netsh.exe int ipv4 add excludedportrange protocol=tcp startport=55967 numberofports=1 store=persistent; if ($LASTEXITCODE -ne 0) { $missed = 1 }
& netsh.exe int ipv6 add excludedportrange protocol=tcp startport=55967 numberofports=1 store=persistent | Out-Null
# 55977/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8. A port that is in use cannot
# be reserved: stop its service first.
& netsh.exe int ipv4 add excludedportrange protocol=tcp startport=55977 numberofports=1 store=persistent; if ($LASTEXITCODE -ne 0) { $missed = 1 }
& netsh.exe int ipv6 add excludedportrange protocol=tcp startport=55977 numberofports=1 store=persistent | Out-Null
# 55987/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8. A port that is in use cannot
# be reserved: stop its service first.
& netsh.exe int ipv4 add excludedportrange protocol=tcp startport=55987 numberofports=1 store=persistent; if ($LASTEXITCODE -ne 0) { $missed = 1 }
& netsh.exe int ipv6 add excludedportrange protocol=tcp startport=55987 numberofports=1 store=persistent | Out-Null
# 60093/tcp: RsvcHost - factorytalk-assetcentre Table 7. A port that is in use cannot be reserved:
# stop its service first.
& netsh.exe int ipv4 add excludedportrange protocol=tcp startport=60093 numberofports=1 store=persistent; if ($LASTEXITCODE -ne 0) { $missed = 1 }
& netsh.exe int ipv6 add excludedportrange protocol=tcp startport=60093 numberofports=1 store=persistent | Out-Null
# 61967/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8. A port that is in use cannot
# be reserved: stop its service first.
& netsh.exe int ipv4 add excludedportrange protocol=tcp startport=61967 numberofports=1 store=persistent; if ($LASTEXITCODE -ne 0) { $missed = 1 }
& netsh.exe int ipv6 add excludedportrange protocol=tcp startport=61967 numberofports=1 store=persistent | Out-Null
# 61977/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8. A port that is in use cannot
# be reserved: stop its service first.
& netsh.exe int ipv4 add excludedportrange protocol=tcp startport=61977 numberofports=1 store=persistent; if ($LASTEXITCODE -ne 0) { $missed = 1 }
& netsh.exe int ipv6 add excludedportrange protocol=tcp startport=61977 numberofports=1 store=persistent | Out-Null
# 61987/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8. A port that is in use cannot
# be reserved: stop its service first.
& netsh.exe int ipv4 add excludedportrange protocol=tcp startport=61987 numberofports=1 store=persistent; if ($LASTEXITCODE -ne 0) { $missed = 1 }
& netsh.exe int ipv6 add excludedportrange protocol=tcp startport=61987 numberofports=1 store=persistent | Out-Null
# Ports for RPC. Each entry is a port or a range; static ports are left out.
$key = 'Registry::HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Rpc\Internet'
if (-not (Test-Path -LiteralPath $key)) { New-Item -Path $key | Out-Null }
New-ItemProperty -LiteralPath $key -Name Ports -PropertyType MultiString -Value @('54900', '54903-54966', '54968-54976', '54978-54986', '54988-55099') -Force | Out-Null
New-ItemProperty -LiteralPath $key -Name PortsInternetAvailable -PropertyType String -Value 'Y' -Force | Out-Null
New-ItemProperty -LiteralPath $key -Name UseInternetPorts -PropertyType String -Value 'Y' -Force | Out-Null
# A port for one DCOM application. It fails here where the application is not installed.
$key = 'Registry::HKEY_LOCAL_MACHINE\SOFTWARE\Classes\AppID\{13486D44-4821-11D2-A494-3CB306C10000}'
if (-not (Test-Path -LiteralPath $key)) { throw ('not installed: ' + $key) }
New-ItemProperty -LiteralPath $key -Name Endpoints -PropertyType MultiString -Value @('ncacn_ip_tcp,0,20300') -Force | Out-Null

if ($missed -ne 0) { Write-Warning 'Some ports were not reserved: they are in use, or reserved already. Compare with: netsh int ipv4 show excludedportrange tcp' }
Write-Output 'Done. Restart the host, then record it at work and run portproof validate.'
exit $missed
