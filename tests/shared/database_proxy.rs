//! A proxy between a portal and PostgreSQL that simulates failures of the network. Each connection to its port is forwarded to the server's socket.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// What happens to the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    Works,
    /// Connections are closed, and new ones at once.
    Cut,
    /// Nothing arrives, in either direction, and no connection is closed.
    Silent,
    /// The next COMMIT does not arrive; its connection is closed, and the network then works.
    LosesCommit,
    /// The next COMMIT arrives, and its response does not; its connection is closed, and the network then works.
    LosesCommitResponse,
    /// As before, and the network is then cut.
    LosesCommitResponseAndIsCut,
}

#[derive(Clone, Copy)]
struct State {
    network: Network,
    /// How often it was cut: a connection from before is closed, even if its task missed the cut.
    cuts: u32,
}

pub struct DatabaseProxy {
    port: u16,
    state: Arc<watch::Sender<State>>,
    socket: Arc<Mutex<PathBuf>>,
}

impl DatabaseProxy {
    /// A proxy to the server whose socket is in this folder.
    pub async fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = Self {
            port: listener.local_addr().expect("its address").port(),
            state: Arc::new(watch::Sender::new(State { network: Network::Works, cuts: 0 })),
            socket: Arc::new(Mutex::new(socket_in(folder))),
        };
        let (state, socket) = (Arc::clone(&proxy.state), Arc::clone(&proxy.socket));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let socket = socket.lock().unwrap_or_else(PoisonError::into_inner).clone();
                tokio::spawn(forward(client, socket, Arc::clone(&state)));
            }
        });
        proxy
    }

    /// The URL of a database of the server, through the proxy.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://tms@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    pub fn set(&self, network: Network) {
        set(&self.state, network);
    }

    /// Forwards new connections to another server.
    pub fn follow(&self, folder: &Path) {
        *self.socket.lock().unwrap_or_else(PoisonError::into_inner) = socket_in(folder);
    }
}

fn set(state: &watch::Sender<State>, network: Network) {
    state.send_modify(|state| *state = State { network, cuts: state.cuts + u32::from(network == Network::Cut) });
}

fn socket_in(folder: &Path) -> PathBuf {
    folder.join(".s.PGSQL.5432")
}

/// Forwards one connection until an end closes it, or the network does. Both sockets are closed when it returns.
async fn forward(client: TcpStream, socket: PathBuf, sender: Arc<watch::Sender<State>>) {
    let mut state = sender.subscribe();
    let State { network, cuts } = *state.borrow_and_update();
    if network == Network::Cut {
        return;
    }
    let Ok(server) = UnixStream::connect(socket).await else { return };
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
    let (mut request, mut response) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            _ = state.changed() => {
                if state.borrow_and_update().cuts != cuts {
                    return;
                }
            }
            read = from_client.read(&mut request) => {
                let Ok(length @ 1..) = read else { return };
                let message = request.get(..length).unwrap_or_default();
                let commits = message.windows(7).any(|window| window == b"COMMIT\0");
                let now = sender.borrow().network;
                if now == Network::Silent {
                    continue;
                }
                if now == Network::LosesCommit && commits {
                    set(&sender, Network::Works);
                    return;
                }
                if to_server.write_all(message).await.is_err() {
                    return;
                }
                let after = match now {
                    Network::LosesCommitResponse if commits => Network::Works,
                    Network::LosesCommitResponseAndIsCut if commits => Network::Cut,
                    _ => continue,
                };
                // It has been carried out once there is a response.
                let _ = from_server.read(&mut response).await;
                set(&sender, after);
                return;
            }
            read = from_server.read(&mut response) => {
                let Ok(length @ 1..) = read else { return };
                let silent = sender.borrow().network == Network::Silent;
                if !silent && to_client.write_all(response.get(..length).unwrap_or_default()).await.is_err() {
                    return;
                }
            }
        }
    }
}
