//! Machine time series: three signals, sampled once a minute while a run lasts.

use super::mes::{MachineRun, Mes, RUN_SECONDS};
use super::{CHATTER, MACHINED, serial};
use crate::calendar::instant;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

pub(crate) struct Sample {
    pub(crate) run: String,
    pub(crate) machine: &'static str,
    pub(crate) signal: &'static str,
    pub(crate) at: String,
    pub(crate) value: f64,
}

const PERIOD_SECONDS: i64 = 60;

pub(crate) fn generate(mes: &Mes) -> Vec<Sample> {
    let mut random = StdRng::seed_from_u64(6_001);
    let chatter: Vec<String> = CHATTER.iter().map(|&(family, unit)| serial(MACHINED[family].part, unit)).collect();
    mes.runs.iter().flat_map(|run| series(run, chatter.contains(&run.serial), &mut random)).collect()
}

fn series(run: &MachineRun, chatter: bool, random: &mut StdRng) -> Vec<Sample> {
    let speed = if run.machine == "LATHE-1" { 2_400 } else { 9_000 };
    let mut samples = Vec::new();
    for tick in 0..RUN_SECONDS / PERIOD_SECONDS {
        let at = instant(run.offset + tick * PERIOD_SECONDS);
        let vibration = if chatter { random.random_range(520..940) } else { random.random_range(80..390) };
        let values = [
            ("spindle_speed", f64::from(speed + random.random_range(-40..=40))),
            ("vibration", f64::from(vibration) / 100.0),
            ("spindle_temperature", (3_100 + tick * 60 + i64::from(random.random_range(0..900))) as f64 / 100.0),
        ];
        for (signal, value) in values {
            samples.push(Sample { run: run.run.clone(), machine: run.machine, signal, at: at.clone(), value });
        }
    }
    samples
}
