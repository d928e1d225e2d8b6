//! The oracle as a machine: random cases by number, each the same whenever it is asked for, judged, counted, and made
//! small and kept when the answer is wrong.

mod draw;
mod keep;
mod run;
mod summary;

pub use draw::{World, draw, settle};
pub use keep::{cases_folder, kept_cases};
pub use run::{Options, run};
pub use summary::Summary;
