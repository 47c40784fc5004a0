//! The file that an export is written to: it takes its place whole or not at all, and only its owner can read it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use todo_infra::check_own_links;

/// A file that is being written beside the place that it will take.
#[derive(Debug)]
pub(super) struct OutputFile {
    file: BufWriter<File>,
    place: PathBuf,
    /// Removed when it is dropped; `None` when there is no draft, since the place is no ordinary file.
    draft: Option<PathBuf>,
}

impl OutputFile {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        check_own_links(path)?;
        // Behind a link, the file that it leads to is replaced, and not the link.
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&place).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            let file = BufWriter::new(OpenOptions::new().write(true).open(&place)?);
            let draft = None;
            return Ok(Self { file, place, draft });
        }
        let mut draft = place.as_os_str().to_owned();
        draft.push(format!(".{}.part", std::process::id()));
        let draft = PathBuf::from(draft);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = BufWriter::new(options.open(&draft)?);
        Ok(Self {
            file,
            place,
            draft: Some(draft),
        })
    }

    /// Puts the file where it is to be.
    pub(super) fn place(mut self) -> io::Result<()> {
        self.file.flush()?;
        if let Some(draft) = &self.draft {
            self.file.get_ref().sync_all()?;
            fs::rename(draft, &self.place)?;
            self.draft = None;
        }
        Ok(())
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Some(draft) = &self.draft {
            drop(fs::remove_file(draft));
        }
    }
}
