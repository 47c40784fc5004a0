//! What a process uses, as Linux tells in `/proc`.

use std::{fs, path::PathBuf, time::Duration};

use crate::TrialResult;

/// The memory of a process that is in RAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What there is now, in bytes (`VmRSS`).
    pub resident: u64,
    /// The most that there was since the process began or [`forget_peak`] was called, in bytes (`VmHWM`).
    pub peak: u64,
}

/// The memory of a process.
///
/// # Errors
/// When there is no such process.
pub fn memory(process: u32) -> TrialResult<Memory> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let bytes = |name: &str| -> TrialResult<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim_matches([':', ' ', '\t', 'k', 'B']).parse().ok());
        let kib: u64 = kib.ok_or_else(|| format!("process {process} does not tell its {name}"))?;
        Ok(kib * 1024)
    };
    Ok(Memory {
        resident: bytes("VmRSS")?,
        peak: bytes("VmHWM")?,
    })
}

/// Lets the peak of a process's memory begin anew.
///
/// # Errors
/// When the process is not ours.
pub fn forget_peak(process: u32) -> TrialResult<()> {
    Ok(fs::write(format!("/proc/{process}/clear_refs"), "5")?)
}

/// The time of cores that a process has taken so far, and those that it has begun, to 10 ms.
///
/// # Errors
/// When there is no such process.
pub fn cpu_time(process: u32) -> TrialResult<Duration> {
    let own = Stat::read(process)?;
    let mut ticks = own.ticks + own.ticks_of_ended_children;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(other) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // It may have ended meanwhile.
        if let Ok(stat) = Stat::read(other)
            && stat.parent == process
        {
            ticks += stat.ticks + stat.ticks_of_ended_children;
        }
    }
    Ok(Duration::from_millis(ticks * MILLISECONDS_PER_TICK))
}

/// The processes that a process has started, and that have not ended.
///
/// # Errors
/// When the processes cannot be listed.
pub fn children(process: u32) -> TrialResult<Vec<u32>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(other) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // It may have ended meanwhile.
        if Stat::read(other).is_ok_and(|stat| stat.parent == process) {
            children.push(other);
        }
    }
    Ok(children)
}

/// The files and sockets that a process has open, as `/proc/PID/fd` names them.
///
/// # Errors
/// When there is no such process.
pub fn open_files(process: u32) -> TrialResult<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(format!("/proc/{process}/fd"))? {
        // One that was closed meanwhile has no name.
        if let Ok(name) = fs::read_link(entry?.path()) {
            files.push(name);
        }
    }
    Ok(files)
}

/// `USER_HZ` is 100 on every architecture of Linux that Rust has a standard library for.
const MILLISECONDS_PER_TICK: u64 = 10;

/// What is read of `/proc/PID/stat`.
struct Stat {
    parent: u32,
    ticks: u64,
    ticks_of_ended_children: u64,
}

impl Stat {
    fn read(process: u32) -> TrialResult<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name of the program, in parentheses, may have anything in it.
        let (_, fields) = text.rsplit_once(") ").ok_or("a stat without a name")?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        // proc(5) counts from 1, and the first after the name is the third.
        let number = |field: usize| -> TrialResult<u64> {
            Ok(fields.get(field - 3).ok_or("a stat cut off")?.parse()?)
        };
        Ok(Self {
            parent: u32::try_from(number(4)?)?,
            ticks: number(14)? + number(15)?,
            ticks_of_ended_children: number(16)? + number(17)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{process, time::Instant};

    use super::*;

    #[test]
    fn this_process_uses_memory_and_time() {
        let began = Instant::now();
        while cpu_time(process::id()).unwrap() == Duration::ZERO {
            assert!(began.elapsed() < Duration::from_secs(30));
        }
        let memory = memory(process::id()).unwrap();
        assert!(memory.resident > 100_000, "{memory:?}");
        assert!(memory.peak >= memory.resident, "{memory:?}");
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(memory(u32::MAX).is_err());
        assert!(cpu_time(u32::MAX).is_err());
    }
}
