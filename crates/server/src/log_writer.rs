//! The writer of the log: a thread of its own behind a bounded queue.
//!
//! A server goes on when nobody reads its log; lines that find the queue full are lost, and counted. When it ends, the
//! queue is flushed for as long as somebody reads.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use tracing_subscriber::fmt::MakeWriter;

/// How often a flush looks whether it is done.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// How long a flush may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlushDeadlines {
    /// For how long no line may be written: then nobody reads.
    pub(crate) stalled: Duration,
    /// For how long it may take in all, however slowly the lines are read.
    pub(crate) total: Duration,
}

/// The queue of the writer. Cloning it is cheap.
#[derive(Debug, Clone)]
pub(crate) struct LogWriter {
    lines: SyncSender<Vec<u8>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Lines that are not written yet.
    waiting: AtomicUsize,
    /// Lines that the thread is done with.
    done: AtomicUsize,
    /// Lines that found the queue full, or could not be written.
    lost: AtomicUsize,
}

impl LogWriter {
    /// Starts the thread, which writes to `to`, with a queue of so many lines.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn start(to: impl Write + Send + 'static, max_waiting: usize) -> io::Result<Self> {
        let (lines, waiting) = sync_channel(max_waiting);
        let counts = Arc::<Counts>::default();
        let counts_of_thread = Arc::clone(&counts);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(to, &waiting, &counts_of_thread))?;
        Ok(Self { lines, counts })
    }

    /// The number of lines that were lost so far.
    pub(crate) fn lost(&self) -> usize {
        self.counts.lost.load(Ordering::Relaxed)
    }

    /// Waits until every line is written that was logged before; `false` when it gives up.
    pub(crate) fn flush(&self, deadlines: FlushDeadlines) -> bool {
        let began = Instant::now();
        let mut last = (self.counts.done.load(Ordering::Acquire), began);
        while self.counts.waiting.load(Ordering::Acquire) > 0 {
            let (done, now) = (self.counts.done.load(Ordering::Acquire), Instant::now());
            if done != last.0 {
                last = (done, now);
            }
            if now.duration_since(last.1) >= deadlines.stalled
                || now.duration_since(began) >= deadlines.total
            {
                return false;
            }
            thread::sleep(POLL_INTERVAL);
        }
        true
    }
}

fn write(mut to: impl Write, waiting: &Receiver<Vec<u8>>, counts: &Counts) {
    for line in waiting {
        if to.write_all(&line).and_then(|()| to.flush()).is_err() {
            counts.lost.fetch_add(1, Ordering::Relaxed);
        }
        counts.done.fetch_add(1, Ordering::Release);
        counts.waiting.fetch_sub(1, Ordering::Release);
    }
}

impl Write for &LogWriter {
    /// Puts a line in the queue; the layer that formats lines writes each at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Before it is sent, so that a flush never misses it.
        self.counts.waiting.fetch_add(1, Ordering::AcqRel);
        if self.lines.try_send(line.to_vec()).is_err() {
            self.counts.waiting.fetch_sub(1, Ordering::AcqRel);
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    /// Nothing waits for the thread but the [flush](LogWriter::flush) at the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        mpsc::{Sender, channel},
    };

    use super::*;

    const PATIENT: FlushDeadlines = FlushDeadlines {
        stalled: Duration::from_mins(1),
        total: Duration::from_mins(1),
    };

    /// A pipe: each write waits until its reader lets it through, and fails once there is no reader.
    struct Pipe {
        written: Arc<Mutex<Vec<u8>>>,
        permits: Receiver<()>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.permits
                .recv()
                .map_err(|_closed| io::Error::from(io::ErrorKind::BrokenPipe))?;
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn pipe(max_waiting: usize) -> (LogWriter, Sender<()>, Arc<Mutex<Vec<u8>>>) {
        let (reader, permits) = channel();
        let written = Arc::default();
        let pipe = Pipe {
            written: Arc::clone(&written),
            permits,
        };
        (
            LogWriter::start(pipe, max_waiting).unwrap(),
            reader,
            written,
        )
    }

    fn log(writer: &LogWriter, line: &str) {
        writer.make_writer().write_all(line.as_bytes()).unwrap();
    }

    #[test]
    fn a_flush_waits_for_a_slow_reader() {
        let (writer, reader, written) = pipe(100);
        for _ in 0..100 {
            log(&writer, "line\n");
        }
        let reading = thread::spawn(move || {
            for _ in 0..100 {
                thread::sleep(Duration::from_millis(1));
                reader.send(()).unwrap();
            }
            reader
        });
        assert!(writer.flush(PATIENT));
        assert_eq!(*written.lock().unwrap(), "line\n".repeat(100).as_bytes());
        assert_eq!(writer.lost(), 0);
        drop(reading.join().unwrap());
    }

    #[test]
    fn a_flush_gives_up_when_nobody_reads() {
        let (writer, reader, written) = pipe(100);
        log(&writer, "line\n");
        let stalled = FlushDeadlines {
            stalled: Duration::from_millis(20),
            ..PATIENT
        };
        assert!(!writer.flush(stalled));
        let total = FlushDeadlines {
            total: Duration::from_millis(20),
            ..PATIENT
        };
        assert!(!writer.flush(total));
        assert!(written.lock().unwrap().is_empty());
        drop(reader);
        assert!(writer.flush(PATIENT));
        assert_eq!(writer.lost(), 1);
    }

    #[test]
    fn lines_that_find_the_queue_full_are_lost_and_counted() {
        let (writer, reader, written) = pipe(10);
        for _ in 0..100 {
            log(&writer, "line\n");
        }
        // One may have left the queue for the thread.
        let lost = writer.lost();
        assert!((89..=90).contains(&lost), "{lost}");
        for _ in lost..100 {
            reader.send(()).unwrap();
        }
        assert!(writer.flush(PATIENT));
        let expected = "line\n".repeat(100 - lost);
        assert_eq!(*written.lock().unwrap(), expected.as_bytes());
    }
}
