@echo off
rem Port settings, by portproof VERSION.
rem
rem What it does: The system gives out ports from 50000-51023 only, TCP and UDP, IPv4 and IPv6. One
rem block of static ports is reserved, so that the system gives them to nobody else.
rem Whom it affects: every program on the host, not one product: all its listeners without a fixed
rem port and all its outgoing connections share these ports, TIME_WAIT included.
rem Restart: needed for what runs already: programs keep the ports that they have. New ports come
rem from the range at once.
rem To take it back: run undo-settings-windows.cmd, or the commands at the end
rem This is no proof that the range is large enough. Afterwards record the host at work, a restart
rem included, and run: portproof validate --range 50000-51023 --scope allocation
rem
rem WARNING: 1 static ports lie inside 50000-51023, 50010/udp (given with --static) among them; they
rem are left out, and 1023 ports remain.
rem WARNING: This restricts every port that the system gives out, those of outgoing connections
rem included. Where they run out, connections fail at once. Unless a firewall filters by source
rem port, pin RPC listeners with --scope rpc instead.
rem
rem Run it as administrator, on the host itself.

rem What is set now is kept beside this script, the first time only. Keep these files: undo needs
rem them.
if exist "%~dp0before-windows.txt" goto saved
netsh int ipv4 show dynamicport tcp > "%~dp0before-windows.txt" || goto failed
netsh int ipv4 show dynamicport udp >> "%~dp0before-windows.txt"
netsh int ipv4 show excludedportrange tcp >> "%~dp0before-windows.txt"
netsh int ipv4 show excludedportrange udp >> "%~dp0before-windows.txt"
netsh int ipv6 show dynamicport tcp >> "%~dp0before-windows.txt"
netsh int ipv6 show dynamicport udp >> "%~dp0before-windows.txt"
netsh int ipv6 show excludedportrange tcp >> "%~dp0before-windows.txt"
netsh int ipv6 show excludedportrange udp >> "%~dp0before-windows.txt"
:saved
set MISSED=0

rem Static ports that lie where the system gives out ports. A port that is in use cannot be
rem reserved: stop its service, and start it afterwards. The line for IPv6 does nothing where both
rem share one list.
rem 50010/udp: given with --static
netsh int ipv4 add excludedportrange protocol=udp startport=50010 numberofports=1 store=persistent || set MISSED=1
netsh int ipv6 add excludedportrange protocol=udp startport=50010 numberofports=1 store=persistent >nul 2>&1
rem The range from which the system gives out ports.
netsh int ipv4 set dynamicport tcp start=50000 num=1024 store=persistent || goto failed
netsh int ipv4 set dynamicport udp start=50000 num=1024 store=persistent || goto failed
netsh int ipv6 set dynamicport tcp start=50000 num=1024 store=persistent || goto failed
netsh int ipv6 set dynamicport udp start=50000 num=1024 store=persistent || goto failed

if %MISSED%==1 echo Some ports were not reserved: they are in use, or reserved already. Compare with
if %MISSED%==1 echo   netsh int ipv4 show excludedportrange tcp
echo Done. Restart the host, then record it at work and run portproof validate.
exit /b %MISSED%
:failed
echo A command failed, and nothing after it was done. Run undo-settings-windows.cmd to take back what was.
exit /b 1

rem To take it back:
rem   netsh int ipv4 set dynamicport tcp start=49152 num=16384 store=persistent
rem   netsh int ipv4 set dynamicport udp start=49152 num=16384 store=persistent
rem   netsh int ipv6 set dynamicport tcp start=49152 num=16384 store=persistent
rem   netsh int ipv6 set dynamicport udp start=49152 num=16384 store=persistent
rem   netsh int ipv4 delete excludedportrange protocol=udp startport=50010 numberofports=1 store=persistent
rem   netsh int ipv6 delete excludedportrange protocol=udp startport=50010 numberofports=1 store=persistent
