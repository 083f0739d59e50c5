//! A variant that is loaded into this program. All of the project's `unsafe` is here and in the variant's end, `slot/lib.rs`: see
//! rig/docs/decisions/0029.
#![expect(unsafe_code, reason = "a library is loaded and called; each place says why it may be")]

use std::ffi::c_void;
use std::fmt;
use std::mem::ManuallyDrop;
use std::path::Path;

use libloading::Library;
use pump_core::{Input, Micros, Output, ResetCause};
use rig_sim::{Build, Firmware, Fitted};

use crate::wire;

/// A firmware that is woken so often within a second of its own clock never rests: it would be dead of its battery, and it would hold up everything.
const NEVER_RESTS: u32 = 20_000;
const SECOND_US: u64 = 1_000_000;
const NEVER: u64 = u64::MAX;

/// As the variant's end has it.
#[repr(C)]
struct Answer {
    alive: u8,
    next_wakeup: u64,
    out: *const u8,
    out_len: usize,
}

type PowerOn = unsafe extern "C" fn(*const u8, usize, *const u8, usize, u8, u8) -> *mut c_void;
type Handle = unsafe extern "C" fn(*mut c_void, u64, *const u8, usize) -> Answer;
type Look = unsafe extern "C" fn(*mut c_void) -> Answer;
type Drop = unsafe extern "C" fn(*mut c_void);

#[derive(Debug, Clone, Copy)]
struct Calls {
    power_on: PowerOn,
    handle: Handle,
    look: Look,
    drop: Drop,
}

/// A variant of the firmware that was built by the workshop.
pub struct Loaded {
    name: String,
    calls: Calls,
    /// Never unloaded: the calls above point into it, and so may what its runtime has left with the threads that called it.
    _library: ManuallyDrop<Library>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Loaded {
    /// Whether this program can load anything.
    pub const POSSIBLE: bool = true;

    /// # Errors
    /// What the system says of a file that is no such library, or why it is not of this version.
    pub fn open(name: &str, file: &Path) -> Result<Self, String> {
        // SAFETY: the file is one that the workshop has built of the pump's sources and `slot/lib.rs`, and found by the hash of them; neither
        // runs anything when it is loaded.
        let library = unsafe { Library::new(file) }.map_err(|why| why.to_string())?;
        // SAFETY: `slot/lib.rs` has these functions with these types; the version says that it is the one that this file was written for.
        let calls = unsafe {
            let version = library.get::<unsafe extern "C" fn() -> u32>(b"slot_version\0").map_err(|why| why.to_string())?;
            if version() != wire::VERSION {
                return Err(format!("it is of version {}, and not {}", version(), wire::VERSION));
            }
            Calls {
                power_on: *library.get::<PowerOn>(b"slot_power_on\0").map_err(|why| why.to_string())?,
                handle: *library.get::<Handle>(b"slot_handle\0").map_err(|why| why.to_string())?,
                look: *library.get::<Look>(b"slot_look\0").map_err(|why| why.to_string())?,
                drop: *library.get::<Drop>(b"slot_drop\0").map_err(|why| why.to_string())?,
            }
        };
        Ok(Self { name: name.to_owned(), calls, _library: ManuallyDrop::new(library) })
    }
}

impl Build for Loaded {
    fn power_on(&self, fitted: &Fitted, stored: Option<&[u8]>, cause: ResetCause) -> Box<dyn Firmware> {
        let fitted = wire::fitted(fitted);
        let memory = stored.unwrap_or_default();
        let (has_stored, cause) = (u8::from(stored.is_some()), wire::cause(cause));
        // SAFETY: both pointers are to as many bytes as is said, for the time of the call.
        let slot = unsafe { (self.calls.power_on)(fitted.as_ptr(), fitted.len(), memory.as_ptr(), memory.len(), has_stored, cause) };
        // SAFETY: the slot is the one of just now.
        let answer = unsafe { (self.calls.look)(slot) };
        let mut running = Running { slot, calls: self.calls, next: None, input: Vec::new(), second: 0, woken: 0, dead: false };
        running.heed(&answer);
        Box::new(running)
    }
}

/// From one power-on to the next loss of power.
#[derive(Debug)]
struct Running {
    slot: *mut c_void,
    calls: Calls,
    next: Option<Micros>,
    input: Vec<u8>,
    /// Of its own clock, and how often it was called in that.
    second: u64,
    woken: u32,
    dead: bool,
}

// SAFETY: a slot is owned by this value alone, holds no reference to anything of the thread that made it, and every call needs the value whole.
unsafe impl Send for Running {}

impl Running {
    fn heed(&mut self, answer: &Answer) {
        self.dead |= answer.alive == 0;
        self.next = (answer.next_wakeup != NEVER && !self.dead).then_some(Micros(answer.next_wakeup));
    }

    /// Whether it still rests now and then.
    fn rests(&mut self, now: Micros) -> bool {
        let second = now.0 / SECOND_US;
        self.woken = if second == self.second { self.woken + 1 } else { 0 };
        self.second = second;
        self.woken < NEVER_RESTS
    }
}

impl Firmware for Running {
    fn handle(&mut self, now: Micros, input: Input<'_>, out: &mut dyn FnMut(Output<'_>)) {
        self.dead |= !self.rests(now);
        if self.dead {
            self.next = None;
            return;
        }
        wire::put_input(input, &mut self.input);
        // SAFETY: the slot is this value's own and alive; the pointer is to as many bytes as is said, for the time of the call.
        let answer = unsafe { (self.calls.handle)(self.slot, now.0, self.input.as_ptr(), self.input.len()) };
        // SAFETY: the bytes are the slot's own and stay as they are until its next call, which needs this value again.
        let bytes = if answer.out_len == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(answer.out, answer.out_len) } };
        self.dead |= wire::each_output(bytes, out).is_none();
        self.heed(&answer);
    }

    fn next_wakeup(&self) -> Option<Micros> {
        self.next
    }
}

impl std::ops::Drop for Running {
    fn drop(&mut self) {
        // SAFETY: the slot is this value's own, and nobody has it after this.
        unsafe { (self.calls.drop)(self.slot) };
    }
}
