//! Who may access a file with data or secrets.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Whether all users of the machine may access the file. Access of its group is the operator's decision, such as for a backup program.
pub fn is_open_to_all(file: &Metadata) -> bool {
    file.mode() & 0o007 != 0
}
