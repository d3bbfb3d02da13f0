#Requires -RunAsAdministrator
# Port settings, by portproof VERSION.
#
# What it does: The system gives out ports from 50000-51023 only, TCP and UDP, IPv4 and IPv6. One
# block of static ports is reserved, so that the system gives them to nobody else.
# Whom it affects: every program on the host, not one product: all its listeners without a fixed
# port and all its outgoing connections share these ports, TIME_WAIT included.
# Restart: needed for what runs already: programs keep the ports that they have. New ports come
# from the range at once.
# To take it back: run undo-settings-windows.ps1
# This is no proof that the range is large enough. Afterwards record the host at work, a restart
# included, and run: portproof validate --range 50000-51023 --scope allocation
#
# WARNING: 1 static ports lie inside 50000-51023, 50010/udp (given with --static) among them; they
# are left out, and 1023 ports remain.
# WARNING: This restricts every port that the system gives out, those of outgoing connections
# included. Where they run out, connections fail at once. Unless a firewall filters by source
# port, pin RPC listeners with --scope rpc instead.
#
$ErrorActionPreference = 'Stop'
$missed = 0

function Invoke-Netsh {
    & netsh.exe @args
    if ($LASTEXITCODE -ne 0) { throw ('netsh failed: ' + ($args -join ' ')) }
}

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
}

# 50010/udp: given with --static. A port that is in use cannot be reserved: stop its service
# first.
& netsh.exe int ipv4 add excludedportrange protocol=udp startport=50010 numberofports=1 store=persistent; if ($LASTEXITCODE -ne 0) { $missed = 1 }
& netsh.exe int ipv6 add excludedportrange protocol=udp startport=50010 numberofports=1 store=persistent | Out-Null
# The range from which the system gives out ports.
Invoke-Netsh int ipv4 set dynamicport tcp start=50000 num=1024 store=persistent
Invoke-Netsh int ipv4 set dynamicport udp start=50000 num=1024 store=persistent
Invoke-Netsh int ipv6 set dynamicport tcp start=50000 num=1024 store=persistent
Invoke-Netsh int ipv6 set dynamicport udp start=50000 num=1024 store=persistent

if ($missed -ne 0) { Write-Warning 'Some ports were not reserved: they are in use, or reserved already. Compare with: netsh int ipv4 show excludedportrange tcp' }
Write-Output 'Done. Restart the host, then record it at work and run portproof validate.'
exit $missed
