//! The engine, the threads guests run on, and the installation of components.

use crate::error::SandboxError;
use crate::limits::{SandboxLimits, Stopped};
use crate::state::GuestState;
use crate::wit::{Connector, ConnectorPre};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

/// How much stack a guest has; a deeper recursion traps.
const WASM_STACK: usize = 512 << 10;
/// The whole stack of a guest's fiber, host calls included.
const FIBER_STACK: usize = 2 << 20;
/// Core instances and tables of one component: the guest's own module and the adapters around it.
const PARTS: u32 = 4;

/// Runs guests, apart from the threads of whoever calls them. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    limits: SandboxLimits,
    /// Places for guests. The allocator has as many.
    places: Arc<Semaphore>,
    /// Taken when the sandbox is dropped.
    runtime: Option<Runtime>,
    epochs: Option<JoinHandle<()>>,
    stopping: Arc<AtomicBool>,
}

/// A component that was compiled and fits the contract. Cheap to clone.
#[derive(Clone)]
pub struct InstalledComponent {
    pub(crate) sandbox: Sandbox,
    pub(crate) name: Arc<str>,
    pub(crate) pre: ConnectorPre<GuestState>,
    pub(crate) imports_http: bool,
}

impl Sandbox {
    pub fn new(limits: SandboxLimits) -> Result<Self, SandboxError> {
        let engine = engine(&limits).map_err(SandboxError::Engine)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(limits.threads.max(1))
            .thread_name("weft-guest")
            .enable_all()
            .build()
            .map_err(SandboxError::Threads)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let epochs = tick(engine.clone(), limits.tick, Arc::clone(&stopping)).map_err(SandboxError::Threads)?;
        let places = Arc::new(Semaphore::new(usize::try_from(limits.guests).unwrap_or(1).max(1)));
        let inner = Inner { engine, limits, places, runtime: Some(runtime), epochs: Some(epochs), stopping };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub fn limits(&self) -> &SandboxLimits {
        &self.inner.limits
    }

    /// Compiles a component and checks that it is a connector that asks for nothing the sandbox does not have. Takes
    /// hundreds of milliseconds: for the start, never for a query. The name is for messages.
    pub async fn install(&self, name: &str, bytes: Vec<u8>) -> Result<InstalledComponent, SandboxError> {
        let allowed = self.inner.limits.component_bytes;
        if bytes.len() > allowed {
            return Err(SandboxError::TooLarge { name: name.to_owned(), found: bytes.len(), allowed });
        }
        let (sandbox, shared_name) = (self.clone(), Arc::<str>::from(name));
        let compile = tokio::task::spawn_blocking(move || sandbox.compile(shared_name, &bytes));
        let limit = self.inner.limits.compile_time;
        match tokio::time::timeout(limit, compile).await {
            Ok(Ok(result)) => result,
            Ok(Err(join)) => Err(SandboxError::NotAComponent {
                name: name.to_owned(),
                cause: wasmtime::Error::msg(format!("the compiler stopped: {join}")),
            }),
            Err(_) => Err(SandboxError::CompileTime { name: name.to_owned(), seconds: limit.as_secs() }),
        }
    }

    fn compile(self, name: Arc<str>, bytes: &[u8]) -> Result<InstalledComponent, SandboxError> {
        let shown = || name.to_string();
        let component = Component::from_binary(&self.inner.engine, bytes)
            .map_err(|cause| SandboxError::NotAComponent { name: shown(), cause })?;
        let mut imports_http = false;
        for (import, _) in component.component_type().imports(&self.inner.engine) {
            match import.strip_prefix("weft:connector/").and_then(|rest| rest.split('@').next()) {
                Some("http") => imports_http = true,
                Some("types" | "log" | "clock") => {}
                _ => return Err(SandboxError::UnknownImport { name: shown(), import: import.to_owned() }),
            }
        }
        let fits = |cause| SandboxError::NotAConnector { name: shown(), cause };
        let mut linker = Linker::<GuestState>::new(&self.inner.engine);
        Connector::add_to_linker::<_, HasSelf<GuestState>>(&mut linker, |state| state).map_err(fits)?;
        let pre = linker.instantiate_pre(&component).and_then(ConnectorPre::new).map_err(fits)?;
        Ok(InstalledComponent { sandbox: self, name, pre, imports_http })
    }

    /// A store with nothing in it but its limits.
    pub(crate) fn store(&self, state: GuestState) -> Store<GuestState> {
        let (fuel, deadline) = (state.limits().output_bytes, state.deadline());
        let mut store = Store::new(&self.inner.engine, state);
        store.limiter(|state| state.resources());
        store.set_hostcall_fuel(fuel);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            if tokio::time::Instant::now() >= deadline {
                return Err(Stopped::Deadline.into());
            }
            Ok(wasmtime::UpdateDeadline::Yield(1))
        });
        store
    }

    pub(crate) fn places(&self) -> Arc<Semaphore> {
        Arc::clone(&self.inner.places)
    }

    /// Runs a future on the guests' threads. It is dropped, wherever it stands, when the handle is.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> AbortOnDrop {
        AbortOnDrop(self.inner.runtime.as_ref().map(|runtime| runtime.spawn(future).abort_handle()))
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("limits", &self.inner.limits).finish_non_exhaustive()
    }
}

impl fmt::Debug for InstalledComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstalledComponent").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        if let Some(runtime) = self.runtime.take() {
            // The last clone may go away on an asynchronous thread, which must not wait.
            runtime.shutdown_background();
        }
        if let Some(epochs) = self.epochs.take() {
            epochs.thread().unpark();
        }
    }
}

/// Ends a task when it goes away.
#[derive(Debug)]
pub(crate) struct AbortOnDrop(Option<AbortHandle>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

fn engine(limits: &SandboxLimits) -> wasmtime::Result<Engine> {
    let base = || {
        let mut config = Config::new();
        config.epoch_interruption(true).max_wasm_stack(WASM_STACK).async_stack_size(FIBER_STACK);
        config
    };
    let parts = limits.guests.saturating_mul(PARTS);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits.guests)
        .total_core_instances(parts)
        .total_memories(limits.guests)
        .total_tables(parts)
        .total_stacks(limits.guests)
        .max_memory_size(limits.guest_memory)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(1 << 16);
    let mut pooling = base();
    pooling.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&pooling).or_else(|cause| {
        // The pool reserves address space for all guests at once, which some machines do not give.
        tracing::warn!(%cause, "no pool for guests, memory is mapped for each");
        Engine::new(&base())
    })
}

fn tick(engine: Engine, period: std::time::Duration, stopping: Arc<AtomicBool>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("weft-epochs".to_owned()).spawn(move || {
        while !stopping.load(Ordering::Relaxed) {
            std::thread::park_timeout(period);
            engine.increment_epoch();
        }
    })
}
