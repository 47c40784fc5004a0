//! A network between the server and PostgreSQL that can be made to cut, delay and throttle.

use std::{
    io, mem,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use todo_trials::{Random, TrialResult};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    runtime, select,
    sync::watch,
    time::sleep,
};

/// The most bytes that are carried at a time.
const CHUNK: usize = 8_192;

/// What the network does.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    /// How much later everything arrives, in either direction.
    pub(crate) delay: Duration,
    /// How many bytes a second pass, in either direction; any number without it.
    pub(crate) bytes_per_second: Option<u32>,
    /// Whether a connection is cut when a COMMIT passes: in turn before it has arrived, and when it has and before its
    /// answer has.
    pub(crate) cuts_commits: bool,
    /// How many of a hundred messages to PostgreSQL arrive, and are followed by a cut before the answer does.
    pub(crate) cuts_answers: usize,
    /// Whether no connection comes about.
    pub(crate) is_down: bool,
    /// Whether connections come about and stay, and nothing passes: as with a host that is gone from the network, or
    /// stands still.
    pub(crate) swallows: bool,
}

/// Connects whoever connects to it with PostgreSQL.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    cuts: watch::Sender<u64>,
}

#[derive(Debug)]
struct Shared {
    weather: Mutex<Weather>,
    chance: Mutex<Random>,
    commits_cut: Mutex<usize>,
    upstream: PathBuf,
}

impl Proxy {
    /// Begins to listen, for a PostgreSQL that listens at the Unix socket `upstream`. It ends with the process.
    pub(crate) fn start(upstream: &Path) -> TrialResult<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let (cuts, _) = watch::channel(0);
        let shared = Arc::new(Shared {
            weather: Mutex::default(),
            chance: Mutex::new(Random::new(1)),
            commits_cut: Mutex::default(),
            upstream: upstream.to_owned(),
        });
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (of_thread, cut) = (Arc::clone(&shared), cuts.clone());
        thread::spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(listener) else {
                    return;
                };
                while let Ok((client, _)) = listener.accept().await {
                    let (shared, cut) = (Arc::clone(&of_thread), cut.subscribe());
                    tokio::spawn(connect(client, shared, cut));
                }
            });
        });
        Ok(Self { port, shared, cuts })
    }

    /// Where it listens, on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Changes what the network does.
    pub(crate) fn set(&self, weather: Weather) {
        *lock(&self.shared.weather) = weather;
    }

    /// Cuts every connection that there is.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How many connections were cut at a COMMIT.
    pub(crate) fn commits_cut(&self) -> usize {
        *lock(&self.shared.commits_cut)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Carries bytes in both directions until either side ends, or the connection is cut.
async fn connect(client: TcpStream, shared: Arc<Shared>, mut cut: watch::Receiver<u64>) {
    if lock(&shared.weather).is_down {
        return;
    }
    let Ok(postgres) = UnixStream::connect(&shared.upstream).await else {
        return;
    };
    drop(client.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_postgres, to_postgres) = postgres.into_split();
    let is_silenced = AtomicBool::new(false);
    select! {
        _ = carry_to_postgres(from_client, to_postgres, &shared, &is_silenced) => {}
        _ = carry_to_client(from_postgres, to_client, &shared, &is_silenced) => {}
        _ = cut.changed() => {}
    }
}

/// Carries what the client says, until it ends or is to be cut.
async fn carry_to_postgres(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    shared: &Shared,
    is_silenced: &AtomicBool,
) -> io::Result<()> {
    let mut chunk = Vec::with_capacity(CHUNK);
    while from.read_buf(&mut chunk).await? > 0 {
        let bytes = mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
        let weather = *lock(&shared.weather);
        if weather.swallows {
            continue;
        }
        if !weather.delay.is_zero() {
            sleep(weather.delay).await;
        }
        let cut = shared.cut_at(&bytes, weather);
        if cut == CutAt::Before {
            break;
        }
        is_silenced.store(cut == CutAt::After, Ordering::SeqCst);
        send(&bytes, &mut to, weather).await?;
        if cut == CutAt::After {
            // PostgreSQL does what it was told, and nobody hears of it.
            sleep(Duration::from_millis(20)).await;
            break;
        }
    }
    Ok(())
}

/// Carries what PostgreSQL says, until it ends, unless it is not to be heard.
async fn carry_to_client(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    shared: &Shared,
    is_silenced: &AtomicBool,
) -> io::Result<()> {
    let mut chunk = Vec::with_capacity(CHUNK);
    while from.read_buf(&mut chunk).await? > 0 {
        let bytes = mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
        let weather = *lock(&shared.weather);
        if !weather.delay.is_zero() {
            sleep(weather.delay).await;
        }
        if !is_silenced.load(Ordering::SeqCst) && !weather.swallows {
            send(&bytes, &mut to, weather).await?;
        }
    }
    Ok(())
}

async fn send(
    bytes: &[u8],
    to: &mut (impl AsyncWrite + Unpin),
    weather: Weather,
) -> io::Result<()> {
    match weather.bytes_per_second {
        None => to.write_all(bytes).await,
        Some(rate) => throttle(bytes, to, rate).await,
    }
}

/// Sends a tenth of a second's worth of bytes at a time.
async fn throttle(bytes: &[u8], to: &mut (impl AsyncWrite + Unpin), rate: u32) -> io::Result<()> {
    let at_a_time = usize::try_from(rate / 10).unwrap_or_default().max(1);
    for piece in bytes.chunks(at_a_time) {
        to.write_all(piece).await?;
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// When a connection is cut, as what passes is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CutAt {
    Never,
    Before,
    After,
}

impl Shared {
    fn cut_at(&self, bytes: &[u8], weather: Weather) -> CutAt {
        if weather.cuts_commits && bytes.windows(6).any(|window| window == b"COMMIT") {
            let mut commits_cut = lock(&self.commits_cut);
            *commits_cut += 1;
            return if commits_cut.is_multiple_of(2) {
                CutAt::Before
            } else {
                CutAt::After
            };
        }
        if lock(&self.chance).below(100) < weather.cuts_answers {
            return CutAt::After;
        }
        CutAt::Never
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpStream,
        os::unix::net::UnixListener,
    };

    use tempfile::TempDir;

    use super::*;

    /// Listens at a Unix socket, and sends back whatever it is sent.
    fn echo(folder: &TempDir) -> PathBuf {
        let path = folder.path().join("echo");
        let listener = UnixListener::bind(&path).unwrap();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                thread::spawn(move || {
                    let mut chunk = [0; 64];
                    while let Ok(length @ 1..) = connection.read(&mut chunk) {
                        drop(connection.write_all(&chunk[..length]));
                    }
                });
            }
        });
        path
    }

    /// What comes back of a message, nothing when the connection is cut.
    fn send(connection: &mut TcpStream, message: &str) -> String {
        drop(connection.write_all(message.as_bytes()));
        let mut answer = [0; 64];
        let length = connection.read(&mut answer).unwrap_or_default();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    #[test]
    fn it_carries_until_it_cuts() {
        let folder = TempDir::new().unwrap();
        let proxy = Proxy::start(&echo(&folder)).unwrap();
        let connect = || TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        let mut connection = connect();
        assert_eq!(send(&mut connection, "BEGIN"), "BEGIN");
        assert_eq!(send(&mut connection, "COMMIT"), "COMMIT");
        proxy.cut();
        // It says nothing more, and ends.
        assert_eq!(connection.read(&mut [0]).unwrap_or_default(), 0);

        proxy.set(Weather {
            cuts_commits: true,
            ..Weather::default()
        });
        let mut connection = connect();
        assert_eq!(send(&mut connection, "BEGIN"), "BEGIN");
        assert_eq!(send(&mut connect(), "COMMIT"), "");
        assert_eq!(send(&mut connection, "COMMIT"), "");
        assert_eq!(proxy.commits_cut(), 2);

        proxy.set(Weather {
            is_down: true,
            ..Weather::default()
        });
        assert_eq!(send(&mut connect(), "BEGIN"), "");
    }
}
