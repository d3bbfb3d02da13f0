<#
.SYNOPSIS
    Writes which ports this computer uses, and by which programs, to one text file for portproof.

.DESCRIPTION
    Reads and changes nothing. Needs Windows PowerShell 5.1 or later; run it as administrator, or programs of other users stay
    unnamed. The file holds: name of the computer, time, time of the last start, TCP connections and listeners and UDP endpoints
    with process and service names, dynamic port ranges and excluded port ranges. It holds no packet, user name or command line.

    Run it during the recording, and again after a restart:

        powershell -ExecutionPolicy Bypass -File portproof-collect.ps1
        portproof report capture.pcapng --host-table 10.0.0.5=portproof-SRV1-20260302T080000Z.txt -o reports/first

    Not run by the project's tests, which have no Windows: please report what fails.

.PARAMETER Path
    File to write. Default: portproof-NAME-TIME.txt in the current folder. An existing file is not overwritten.
#>
[CmdletBinding()]
param([string] $Path)

$ErrorActionPreference = 'Stop'
$invariant = [Globalization.CultureInfo]::InvariantCulture

# 2026-03-02T08:00:00Z, or nothing where there is no time.
function Format-Utc($time) {
    if ($null -eq $time) { return '' }
    return $time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", $invariant)
}

$now = Get-Date
if (-not $Path) {
    $stamp = $now.ToUniversalTime().ToString("yyyyMMdd'T'HHmmss'Z'", $invariant)
    $Path = Join-Path (Get-Location).ProviderPath "portproof-$env:COMPUTERNAME-$stamp.txt"
}
if (Test-Path -LiteralPath $Path) { throw "$Path exists: name another file" }

# Names of programs and services by process identifier.
$programs = @{}
Get-CimInstance Win32_Process | ForEach-Object { $programs[[uint32] $_.ProcessId] = $_.Name }
$services = @{}
Get-CimInstance Win32_Service -Filter 'ProcessId <> 0' | ForEach-Object {
    $id = [uint32] $_.ProcessId
    if ($services.ContainsKey($id)) { $services[$id] += ", $($_.Name)" } else { $services[$id] = $_.Name }
}

$lines = New-Object 'Collections.Generic.List[string]'
$lines.Add('## portproof-collect 1')
$lines.Add('## facts')
$lines.Add('system,windows')
$lines.Add("host,$env:COMPUTERNAME")
$lines.Add("time_utc,$(Format-Utc $now)")
$lines.Add("boot_utc,$(Format-Utc (Get-CimInstance Win32_OperatingSystem).LastBootUpTime)")

$lines.Add('## tcp')
Get-NetTCPConnection | ForEach-Object {
    $id = [uint32] $_.OwningProcess
    [pscustomobject] @{
        LocalAddress = $_.LocalAddress; LocalPort = $_.LocalPort
        RemoteAddress = $_.RemoteAddress; RemotePort = $_.RemotePort
        State = "$($_.State)"; OwningProcess = $id
        ProcessName = $programs[$id]; Services = $services[$id]
        CreationTimeUtc = Format-Utc $_.CreationTime
    }
} | ConvertTo-Csv -NoTypeInformation | ForEach-Object { $lines.Add($_) }

$lines.Add('## udp')
Get-NetUDPEndpoint | ForEach-Object {
    $id = [uint32] $_.OwningProcess
    [pscustomobject] @{
        LocalAddress = $_.LocalAddress; LocalPort = $_.LocalPort; OwningProcess = $id
        ProcessName = $programs[$id]; Services = $services[$id]
        CreationTimeUtc = Format-Utc $_.CreationTime
    }
} | ConvertTo-Csv -NoTypeInformation | ForEach-Object { $lines.Add($_) }

# The words of netsh are translated, its numbers are not: each output is read by its shape.
$lines.Add('## dynamicport')
$lines.Add('versions,transport,start,count')
foreach ($versions in 'ipv4', 'ipv6') {
    foreach ($transport in 'tcp', 'udp') {
        $numbers = @(netsh int $versions show dynamicport $transport | ForEach-Object {
            if ($_ -match '(\d+)\s*$') { $Matches[1] }
        })
        if ($numbers.Count -eq 2) { $lines.Add("$versions,$transport,$($numbers[0]),$($numbers[1])") }
    }
}

$lines.Add('## excludedportrange')
$lines.Add('versions,transport,start,end,administered')
foreach ($versions in 'ipv4', 'ipv6') {
    foreach ($transport in 'tcp', 'udp') {
        netsh int $versions show excludedportrange "protocol=$transport" | ForEach-Object {
            if ($_ -match '^\s*(\d+)\s+(\d+)\s*(\*?)\s*$') {
                $administered = if ($Matches[3]) { 1 } else { 0 }
                $lines.Add("$versions,$transport,$($Matches[1]),$($Matches[2]),$administered")
            }
        }
    }
}
$lines.Add('## end')

[IO.File]::WriteAllLines($Path, $lines, (New-Object Text.UTF8Encoding $false))
Write-Output "$Path written: $($lines.Count) lines"
