//! Reads a file several times, and notices if it is not the same each time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

/// The same open file, from its beginning: a file that takes its name meanwhile is not read.
pub fn from_start(file: &File) -> io::Result<File> {
    let mut file = file.try_clone()?;
    file.rewind()?;
    Ok(file)
}

/// Reads a file from its beginning, and hashes what it has. The hash is complete once all has been read.
pub fn reader(file: &File, gzip: bool) -> io::Result<(Box<dyn BufRead + Send>, ReadHash)> {
    let hash = ReadHash::default();
    let plain = BufReader::with_capacity(1 << 16, Hashing { inner: from_start(file)?, hash: hash.clone() });
    let reader: Box<dyn BufRead + Send> =
        if gzip { Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(plain))) } else { Box::new(plain) };
    Ok((reader, hash))
}

/// The SHA-256 of what a reader has read.
#[derive(Clone, Default)]
pub struct ReadHash(Arc<Mutex<Sha256>>);

impl ReadHash {
    pub fn finish(&self) -> String {
        hex::encode(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize())
    }
}

struct Hashing {
    inner: File,
    hash: ReadHash,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.0.lock().unwrap_or_else(PoisonError::into_inner).update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// The SHA-256 of files, one after another, in hexadecimal.
pub fn hash<const N: usize>(files: [&File; N]) -> io::Result<String> {
    let mut hash = Sha256::new();
    for file in files {
        io::copy(&mut from_start(file)?, &mut hash)?;
    }
    Ok(hex::encode(hash.finalize()))
}
