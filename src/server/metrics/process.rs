//! This process, as the system describes it. `None`: it does not.

use rustix::process::{Resource, getrlimit};

pub fn resident_bytes() -> Option<u64> {
    resident_of(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn resident_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kilobytes.checked_mul(1_024)
}

pub fn open_fds() -> Option<u64> {
    // One of them is that of the directory.
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(open.saturating_sub(1)).ok()
}

pub fn max_fds() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(resident_of("Name:\tx\nVmRSS:\t   36864 kB\nThreads:\t1\n"), Some(36_864 * 1_024));
        assert_eq!(resident_of("Name:\tx\n"), None);
        assert!(resident_bytes().is_some_and(|bytes| bytes > 0) && open_fds().is_some_and(|open| open > 0));
    }
}
