@echo off
rem Port settings, by portproof VERSION, for 10.0.0.5.
rem
rem What it does: The RPC runtime takes ports for its listeners from 54900-55099 only. Outgoing
rem connections stay as they are. One DCOM application gets a port of its own. Static ports are
rem reserved, so that the system gives them to nobody else.
rem Whom it affects: every RPC and DCOM server on the host that takes a dynamic port, those of the
rem system included. Programs with sockets of their own (Socket.IO and the like) do not use RPC, and
rem are not affected.
rem Restart: needed. RPC reads the values when the host starts. A malformed value makes it ignore
rem all of them: change them by script only.
rem To take it back: run undo-settings-windows.cmd, or the commands at the end
rem This is no proof that the range is large enough. Afterwards record the host at work, a restart
rem included, and run: portproof validate --range 54900-55099 --scope rpc
rem
rem WARNING: 5 static ports lie inside 54900-55099, 54901/tcp (given with --static) among them; they
rem are left out, and 195 ports remain.
rem WARNING: 54900-55099 overlaps 49152-65535, from which Windows also serves outgoing connections:
rem RPC may find its ports taken. A range outside of it avoids that.
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
reg export "HKLM\SOFTWARE\Microsoft\Rpc\Internet" "%~dp0before-rpc.reg" /y >nul 2>&1
reg export "HKLM\SOFTWARE\Classes\AppID\{13486D44-4821-11D2-A494-3CB306C10000}" "%~dp0before-appid-1.reg" /y >nul 2>&1
:saved
set MISSED=0

rem Static ports that lie where the system gives out ports. A port that is in use cannot be
rem reserved: stop its service, and start it afterwards. The line for IPv6 does nothing where both
rem share one list.
rem 54901-54902/tcp: given with --static
netsh int ipv4 add excludedportrange protocol=tcp startport=54901 numberofports=2 store=persistent || set MISSED=1
netsh int ipv6 add excludedportrange protocol=tcp startport=54901 numberofports=2 store=persistent >nul 2>&1
rem 54967/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8
netsh int ipv4 add excludedportrange protocol=tcp startport=54967 numberofports=1 store=persistent || set MISSED=1
netsh int ipv6 add excludedportrange protocol=tcp startport=54967 numberofports=1 store=persistent >nul 2>&1
rem 54977/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8
netsh int ipv4 add excludedportrange protocol=tcp startport=54977 numberofports=1 store=persistent || set MISSED=1
netsh int ipv6 add excludedportrange protocol=tcp startport=54977 numberofports=1 store=persistent >nul 2>&1
rem 54987/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8
netsh int ipv4 add excludedportrange protocol=tcp startport=54987 numberofports=1 store=persistent || set MISSED=1
netsh int ipv6 add excludedportrange protocol=tcp startport=54987 numberofports=1 store=persistent >nul 2>&1
rem 55967/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8
netsh int ipv4 add excludedportrange protocol=tcp startport=55967 numberofports=1 store=persistent || set MISSED=1
netsh int ipv6 add excludedportrange protocol=tcp startport=55967 numberofports=1 store=persistent >nul 2>&1
rem 55977/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8
netsh int ipv4 add excludedportrange protocol=tcp startport=55977 numberofports=1 store=persistent || set MISSED=1
netsh int ipv6 add excludedportrange protocol=tcp startport=55977 numberofports=1 store=persistent >nul 2>&1
rem 55987/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8
netsh int ipv4 add excludedportrange protocol=tcp startport=55987 numberofports=1 store=persistent || set MISSED=1
netsh int ipv6 add excludedportrange protocol=tcp startport=55987 numberofports=1 store=persistent >nul 2>&1
rem 60093/tcp: RsvcHost - factorytalk-assetcentre Table 7
netsh int ipv4 add excludedportrange protocol=tcp startport=60093 numberofports=1 store=persistent || set MISSED=1
netsh int ipv6 add excludedportrange protocol=tcp startport=60093 numberofports=1 store=persistent >nul 2>&1
rem 61967/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8
netsh int ipv4 add excludedportrange protocol=tcp startport=61967 numberofports=1 store=persistent || set MISSED=1
netsh int ipv6 add excludedportrange protocol=tcp startport=61967 numberofports=1 store=persistent >nul 2>&1
rem 61977/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8
netsh int ipv4 add excludedportrange protocol=tcp startport=61977 numberofports=1 store=persistent || set MISSED=1
netsh int ipv6 add excludedportrange protocol=tcp startport=61977 numberofports=1 store=persistent >nul 2>&1
rem 61987/tcp: FTActivationBoost.exe - factorytalk-assetcentre Table 8
netsh int ipv4 add excludedportrange protocol=tcp startport=61987 numberofports=1 store=persistent || set MISSED=1
netsh int ipv6 add excludedportrange protocol=tcp startport=61987 numberofports=1 store=persistent >nul 2>&1
rem Ports for RPC. Each entry is a port or a range; static ports are left out.
reg add "HKLM\SOFTWARE\Microsoft\Rpc\Internet" /v Ports /t REG_MULTI_SZ /s "," /d "54900,54903-54966,54968-54976,54978-54986,54988-55099" /f || goto failed
reg add "HKLM\SOFTWARE\Microsoft\Rpc\Internet" /v PortsInternetAvailable /t REG_SZ /d "Y" /f || goto failed
reg add "HKLM\SOFTWARE\Microsoft\Rpc\Internet" /v UseInternetPorts /t REG_SZ /d "Y" /f || goto failed
rem Ports for single DCOM applications. An application that is not installed fails here.
reg query "HKLM\SOFTWARE\Classes\AppID\{13486D44-4821-11D2-A494-3CB306C10000}" >nul || goto failed
reg add "HKLM\SOFTWARE\Classes\AppID\{13486D44-4821-11D2-A494-3CB306C10000}" /v Endpoints /t REG_MULTI_SZ /d "ncacn_ip_tcp,0,20300" /f || goto failed

if %MISSED%==1 echo Some ports were not reserved: they are in use, or reserved already. Compare with
if %MISSED%==1 echo   netsh int ipv4 show excludedportrange tcp
echo Done. Restart the host, then record it at work and run portproof validate.
exit /b %MISSED%
:failed
echo A command failed, and nothing after it was done. Run undo-settings-windows.cmd to take back what was.
exit /b 1

rem To take it back:
rem   reg delete "HKLM\SOFTWARE\Microsoft\Rpc\Internet" /v Ports /f
rem   reg delete "HKLM\SOFTWARE\Microsoft\Rpc\Internet" /v PortsInternetAvailable /f
rem   reg delete "HKLM\SOFTWARE\Microsoft\Rpc\Internet" /v UseInternetPorts /f
rem   reg delete "HKLM\SOFTWARE\Classes\AppID\{13486D44-4821-11D2-A494-3CB306C10000}" /v Endpoints /f
rem   netsh int ipv4 delete excludedportrange protocol=tcp startport=54901 numberofports=2 store=persistent
rem   netsh int ipv6 delete excludedportrange protocol=tcp startport=54901 numberofports=2 store=persistent
rem   netsh int ipv4 delete excludedportrange protocol=tcp startport=54967 numberofports=1 store=persistent
rem   netsh int ipv6 delete excludedportrange protocol=tcp startport=54967 numberofports=1 store=persistent
rem   netsh int ipv4 delete excludedportrange protocol=tcp startport=54977 numberofports=1 store=persistent
rem   netsh int ipv6 delete excludedportrange protocol=tcp startport=54977 numberofports=1 store=persistent
rem   netsh int ipv4 delete excludedportrange protocol=tcp startport=54987 numberofports=1 store=persistent
rem   netsh int ipv6 delete excludedportrange protocol=tcp startport=54987 numberofports=1 store=persistent
rem   netsh int ipv4 delete excludedportrange protocol=tcp startport=55967 numberofports=1 store=persistent
rem   netsh int ipv6 delete excludedportrange protocol=tcp startport=55967 numberofports=1 store=persistent
rem   netsh int ipv4 delete excludedportrange protocol=tcp startport=55977 numberofports=1 store=persistent
rem   netsh int ipv6 delete excludedportrange protocol=tcp startport=55977 numberofports=1 store=persistent
rem   netsh int ipv4 delete excludedportrange protocol=tcp startport=55987 numberofports=1 store=persistent
rem   netsh int ipv6 delete excludedportrange protocol=tcp startport=55987 numberofports=1 store=persistent
rem   netsh int ipv4 delete excludedportrange protocol=tcp startport=60093 numberofports=1 store=persistent
rem   netsh int ipv6 delete excludedportrange protocol=tcp startport=60093 numberofports=1 store=persistent
rem   netsh int ipv4 delete excludedportrange protocol=tcp startport=61967 numberofports=1 store=persistent
rem   netsh int ipv6 delete excludedportrange protocol=tcp startport=61967 numberofports=1 store=persistent
rem   netsh int ipv4 delete excludedportrange protocol=tcp startport=61977 numberofports=1 store=persistent
rem   netsh int ipv6 delete excludedportrange protocol=tcp startport=61977 numberofports=1 store=persistent
rem   netsh int ipv4 delete excludedportrange protocol=tcp startport=61987 numberofports=1 store=persistent
rem   netsh int ipv6 delete excludedportrange protocol=tcp startport=61987 numberofports=1 store=persistent
