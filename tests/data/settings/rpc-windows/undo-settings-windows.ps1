#Requires -RunAsAdministrator
# Takes port settings back, by portproof VERSION, for 10.0.0.5.
#
# What it takes back: The RPC runtime takes ports for its listeners from 54900-55099 only.
# Outgoing connections stay as they are. One DCOM application gets a port of its own. Static ports
# are reserved, so that the system gives them to nobody else.
#
# What is not set gives an error that does not matter. Then restart the host.
# Reservations that before-windows.txt shows were there before: take their lines out of this
# script.
$key = 'Registry::HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Rpc\Internet'
Remove-ItemProperty -LiteralPath $key -Name Ports -ErrorAction SilentlyContinue
Remove-ItemProperty -LiteralPath $key -Name PortsInternetAvailable -ErrorAction SilentlyContinue
Remove-ItemProperty -LiteralPath $key -Name UseInternetPorts -ErrorAction SilentlyContinue
Remove-ItemProperty -LiteralPath 'Registry::HKEY_LOCAL_MACHINE\SOFTWARE\Classes\AppID\{13486D44-4821-11D2-A494-3CB306C10000}' -Name Endpoints -ErrorAction SilentlyContinue
& netsh.exe int ipv4 delete excludedportrange protocol=tcp startport=54901 numberofports=2 store=persistent
& netsh.exe int ipv6 delete excludedportrange protocol=tcp startport=54901 numberofports=2 store=persistent
& netsh.exe int ipv4 delete excludedportrange protocol=tcp startport=54967 numberofports=1 store=persistent
& netsh.exe int ipv6 delete excludedportrange protocol=tcp startport=54967 numberofports=1 store=persistent
& netsh.exe int ipv4 delete excludedportrange protocol=tcp startport=54977 numberofports=1 store=persistent
& netsh.exe int ipv6 delete excludedportrange protocol=tcp startport=54977 numberofports=1 store=persistent
& netsh.exe int ipv4 delete excludedportrange protocol=tcp startport=54987 numberofports=1 store=persistent
& netsh.exe int ipv6 delete excludedportrange protocol=tcp startport=54987 numberofports=1 store=persistent
& netsh.exe int ipv4 delete excludedportrange protocol=tcp startport=55967 numberofports=1 store=persistent
& netsh.exe int ipv6 delete excludedportrange protocol=tcp startport=55967 numberofports=1 store=persistent
& netsh.exe int ipv4 delete excludedportrange protocol=tcp startport=55977 numberofports=1 store=persistent
& netsh.exe int ipv6 delete excludedportrange protocol=tcp startport=55977 numberofports=1 store=persistent
& netsh.exe int ipv4 delete excludedportrange protocol=tcp startport=55987 numberofports=1 store=persistent
& netsh.exe int ipv6 delete excludedportrange protocol=tcp startport=55987 numberofports=1 store=persistent
& netsh.exe int ipv4 delete excludedportrange protocol=tcp startport=60093 numberofports=1 store=persistent
& netsh.exe int ipv6 delete excludedportrange protocol=tcp startport=60093 numberofports=1 store=persistent
& netsh.exe int ipv4 delete excludedportrange protocol=tcp startport=61967 numberofports=1 store=persistent
& netsh.exe int ipv6 delete excludedportrange protocol=tcp startport=61967 numberofports=1 store=persistent
& netsh.exe int ipv4 delete excludedportrange protocol=tcp startport=61977 numberofports=1 store=persistent
& netsh.exe int ipv6 delete excludedportrange protocol=tcp startport=61977 numberofports=1 store=persistent
& netsh.exe int ipv4 delete excludedportrange protocol=tcp startport=61987 numberofports=1 store=persistent
& netsh.exe int ipv6 delete excludedportrange protocol=tcp startport=61987 numberofports=1 store=persistent
# Values that were there before.
$saved = Join-Path $PSScriptRoot 'before-rpc.reg'
if (Test-Path -LiteralPath $saved) { & reg.exe import $saved }
# Values that were there before.
$saved = Join-Path $PSScriptRoot 'before-appid-1.reg'
if (Test-Path -LiteralPath $saved) { & reg.exe import $saved }
