@echo off
rem Takes port settings back, by portproof VERSION.
rem
rem What it takes back: The system gives out ports from 50000-51023 only, TCP and UDP, IPv4 and
rem IPv6. One block of static ports is reserved, so that the system gives them to nobody else.
rem
rem Run it as administrator. What is not set gives an error that does not matter. Then restart the
rem host.
rem The range becomes 49152-65535. If before-windows.txt shows another one, write that here first.
rem Reservations that before-windows.txt shows were there before: take their lines out of this
rem script.

netsh int ipv4 set dynamicport tcp start=49152 num=16384 store=persistent
netsh int ipv4 set dynamicport udp start=49152 num=16384 store=persistent
netsh int ipv6 set dynamicport tcp start=49152 num=16384 store=persistent
netsh int ipv6 set dynamicport udp start=49152 num=16384 store=persistent
netsh int ipv4 delete excludedportrange protocol=udp startport=50010 numberofports=1 store=persistent
netsh int ipv6 delete excludedportrange protocol=udp startport=50010 numberofports=1 store=persistent
exit /b 0
