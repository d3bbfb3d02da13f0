@echo off
rem Takes port settings back, by portproof VERSION, for 10.0.0.5.
rem
rem What it takes back: The RPC runtime takes ports for its listeners from 54900-55099 only.
rem Outgoing connections stay as they are. One DCOM application gets a port of its own. Static ports
rem are reserved, so that the system gives them to nobody else.
rem
rem Run it as administrator. What is not set gives an error that does not matter. Then restart the
rem host.
rem Reservations that before-windows.txt shows were there before: take their lines out of this
rem script.

reg delete "HKLM\SOFTWARE\Microsoft\Rpc\Internet" /v Ports /f
reg delete "HKLM\SOFTWARE\Microsoft\Rpc\Internet" /v PortsInternetAvailable /f
reg delete "HKLM\SOFTWARE\Microsoft\Rpc\Internet" /v UseInternetPorts /f
reg delete "HKLM\SOFTWARE\Classes\AppID\{13486D44-4821-11D2-A494-3CB306C10000}" /v Endpoints /f
netsh int ipv4 delete excludedportrange protocol=tcp startport=54901 numberofports=2 store=persistent
netsh int ipv6 delete excludedportrange protocol=tcp startport=54901 numberofports=2 store=persistent
netsh int ipv4 delete excludedportrange protocol=tcp startport=54967 numberofports=1 store=persistent
netsh int ipv6 delete excludedportrange protocol=tcp startport=54967 numberofports=1 store=persistent
netsh int ipv4 delete excludedportrange protocol=tcp startport=54977 numberofports=1 store=persistent
netsh int ipv6 delete excludedportrange protocol=tcp startport=54977 numberofports=1 store=persistent
netsh int ipv4 delete excludedportrange protocol=tcp startport=54987 numberofports=1 store=persistent
netsh int ipv6 delete excludedportrange protocol=tcp startport=54987 numberofports=1 store=persistent
netsh int ipv4 delete excludedportrange protocol=tcp startport=55967 numberofports=1 store=persistent
netsh int ipv6 delete excludedportrange protocol=tcp startport=55967 numberofports=1 store=persistent
netsh int ipv4 delete excludedportrange protocol=tcp startport=55977 numberofports=1 store=persistent
netsh int ipv6 delete excludedportrange protocol=tcp startport=55977 numberofports=1 store=persistent
netsh int ipv4 delete excludedportrange protocol=tcp startport=55987 numberofports=1 store=persistent
netsh int ipv6 delete excludedportrange protocol=tcp startport=55987 numberofports=1 store=persistent
netsh int ipv4 delete excludedportrange protocol=tcp startport=60093 numberofports=1 store=persistent
netsh int ipv6 delete excludedportrange protocol=tcp startport=60093 numberofports=1 store=persistent
netsh int ipv4 delete excludedportrange protocol=tcp startport=61967 numberofports=1 store=persistent
netsh int ipv6 delete excludedportrange protocol=tcp startport=61967 numberofports=1 store=persistent
netsh int ipv4 delete excludedportrange protocol=tcp startport=61977 numberofports=1 store=persistent
netsh int ipv6 delete excludedportrange protocol=tcp startport=61977 numberofports=1 store=persistent
netsh int ipv4 delete excludedportrange protocol=tcp startport=61987 numberofports=1 store=persistent
netsh int ipv6 delete excludedportrange protocol=tcp startport=61987 numberofports=1 store=persistent
rem Values that were there before.
if exist "%~dp0before-rpc.reg" reg import "%~dp0before-rpc.reg"
if exist "%~dp0before-appid-1.reg" reg import "%~dp0before-appid-1.reg"
exit /b 0
