//! The left rows of a bind join: read ahead, and cut into blocks.

use crate::columns::Layout;
use crate::physical::key_set::KeySet;
use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::DataType;
use arrow_select::concat::concat_batches;
use arrow_select::interleave::interleave_record_batch;
use datafusion_common::Result;
use datafusion_execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use oxrdf::Variable;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How much is read and asked for at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The most keys of a block, and about the most bytes they have.
    pub(super) block: usize,
    pub(super) block_bytes: usize,
    /// The most rows read ahead.
    pub(super) read_ahead: usize,
    /// The number of keys from which nothing is asked for any more: the rest is [`Part::Rest`].
    pub(super) hash_from: Option<u64>,
    /// Rows that are enough: the first block has so many keys, each next one twice as many.
    pub(super) goal: Option<usize>,
    /// Whether blocks are runs of rows in their order. Else a key that is read ahead is in one block only.
    pub(super) ordered: bool,
    /// Whether as much is read ahead for a small block as for a large one.
    pub(super) ahead_of_goal: bool,
}

pub(super) enum Part {
    Block(Block),
    /// All rows that are in no block.
    Rest,
}

pub(super) struct Block {
    pub(super) rows: RecordBatch,
    /// A row of each key.
    pub(super) keys: RecordBatch,
    /// Accounts for the rows.
    pub(super) held: MemoryReservation,
    /// Whether the next block is not wanted before the answer to this one has ended.
    pub(super) alone: bool,
}

/// Left rows in their order.
pub(super) struct LeftRows {
    rows: SendableRecordBatchStream,
    ended: bool,
    ahead: VecDeque<RecordBatch>,
    ahead_rows: usize,
    pace: Pace,
    /// The most keys of the next block, while blocks are small.
    wanted: Option<usize>,
    /// Keys asked for so far.
    asked: u64,
    keys: KeySet,
    /// The key of each row ahead, as far as they are numbered.
    numbers: Vec<u32>,
    window: Option<Window>,
    reservation: MemoryReservation,
    /// Whether their source was asked for more than the first rows, which came by a call that is over.
    goes_on: Option<Arc<AtomicBool>>,
}

impl LeftRows {
    pub(super) fn new(
        layout: &Layout,
        key_variables: &[Variable],
        pace: Pace,
        rows: SendableRecordBatchStream,
        context: &TaskContext,
    ) -> Result<Self> {
        let key_columns = key_variables
            .iter()
            .filter_map(|variable| layout.get(variable))
            .flat_map(|(start, term_type)| start..start + term_type.columns().len())
            .collect();
        let first = pace.goal.map(|goal| goal.clamp(1, pace.block));
        Ok(Self {
            rows,
            ended: false,
            ahead: VecDeque::new(),
            ahead_rows: 0,
            pace,
            wanted: first.filter(|first| *first < pace.block).or(pace.ordered.then_some(pace.block)),
            asked: 0,
            keys: KeySet::new(layout.schema(), key_columns)?,
            numbers: Vec::new(),
            window: None,
            reservation: MemoryConsumer::new("bind join").register(context.memory_pool()),
            goes_on: None,
        })
    }

    pub(super) fn going_on(self, goes_on: Option<Arc<AtomicBool>>) -> Self {
        Self { goes_on, ..self }
    }

    /// How many rows a small block reads ahead.
    fn ahead_of(&self, wanted: usize) -> usize {
        let is_over = self.goes_on.as_ref().is_some_and(|goes_on| !goes_on.load(Ordering::Relaxed));
        if self.pace.ahead_of_goal && !is_over { self.pace.read_ahead } else { wanted }
    }

    /// Whether all rows are read.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Keys that are in blocks.
    pub(super) fn asked(&self) -> u64 {
        self.asked
    }

    pub(super) fn rows_ahead(&self) -> usize {
        self.ahead_rows
    }

    /// The rows that are in no block, those read ahead before the others.
    pub(super) fn into_rest(self) -> BoxStream<'static, Result<RecordBatch>> {
        let Self { rows, ahead, reservation, .. } = self;
        // What is read ahead is accounted for until it is passed on.
        let ahead = stream::unfold((ahead, reservation), |(mut ahead, reservation)| async move {
            let batch = ahead.pop_front()?;
            reservation.shrink(batch.get_array_memory_size().min(reservation.size()));
            Some((Ok(batch), (ahead, reservation)))
        });
        ahead.chain(rows).boxed()
    }

    pub(super) async fn next(&mut self) -> Result<Option<Part>> {
        match self.wanted {
            Some(wanted) => self.next_run(wanted).await,
            None => self.next_of_window().await,
        }
    }

    /// The first rows, with no more distinct keys than are wanted.
    async fn next_run(&mut self, wanted: usize) -> Result<Option<Part>> {
        let small = wanted < self.pace.block;
        self.keys.clear();
        self.numbers.clear();
        let mut taken: Vec<RecordBatch> = Vec::new();
        let mut rows = 0;
        loop {
            let read = self.fill(small.then_some(wanted)).await?;
            let Some(batch) = self.ahead.pop_front() else { break };
            let fitting = self.keys.number(&batch, wanted, &mut self.numbers)?;
            self.ahead_rows -= fitting;
            rows += fitting;
            taken.extend((fitting > 0).then(|| batch.slice(0, fitting)));
            if fitting < batch.num_rows() {
                self.ahead.push_front(batch.slice(fitting, batch.num_rows() - fitting));
                break;
            }
            // Many rows can share few keys: a block has a bound of rows, too.
            if rows >= read {
                break;
            }
        }
        if taken.is_empty() {
            return Ok(None);
        }
        if self.is_reached(self.keys.len()) {
            self.keep(taken, 0);
            return Ok(Some(Part::Rest));
        }
        let end = self.ends().first().copied().unwrap_or_default();
        if let Some(rows) = self.numbers.iter().position(|number| *number as usize >= end) {
            taken = self.keep(taken, rows);
        }
        // What the source still sends while the right is asked is read now.
        self.fill(small.then_some(0)).await?;
        self.asked += end as u64;
        let next = wanted.saturating_mul(2).min(self.pace.block);
        self.wanted = (self.pace.ordered || next < self.pace.block).then_some(next);
        let window = Window::new(taken, &self.numbers, &[end]);
        self.block(window, true)
    }

    /// The first rows of those that were taken; the others are ahead again.
    fn keep(&mut self, taken: Vec<RecordBatch>, mut rows: usize) -> Vec<RecordBatch> {
        let (mut kept, mut rest) = (Vec::new(), Vec::new());
        for batch in taken {
            let own = rows.min(batch.num_rows());
            rows -= own;
            kept.extend((own > 0).then(|| batch.slice(0, own)));
            rest.extend((own < batch.num_rows()).then(|| batch.slice(own, batch.num_rows() - own)));
        }
        self.ahead_rows += rest.iter().map(RecordBatch::num_rows).sum::<usize>();
        rest.into_iter().rev().for_each(|batch| self.ahead.push_front(batch));
        kept
    }

    /// The rows of some of the keys that are read ahead.
    async fn next_of_window(&mut self) -> Result<Option<Part>> {
        if let Some(window) = self.window.take() {
            return self.block(window, false);
        }
        self.keys.clear();
        self.numbers.clear();
        for batch in &self.ahead {
            self.keys.number(batch, usize::MAX, &mut self.numbers)?;
        }
        while !self.ended && self.ahead_rows < self.pace.read_ahead && !self.is_reached(self.distinct()) {
            if let Some(batch) = self.read().await? {
                self.keys.number(&batch, usize::MAX, &mut self.numbers)?;
                self.ahead.push_back(batch);
                self.account()?;
            }
        }
        if self.ahead_rows == 0 {
            return Ok(None);
        }
        if self.is_reached(self.distinct()) {
            return Ok(Some(Part::Rest));
        }
        self.asked += self.keys.len() as u64;
        self.ahead_rows = 0;
        let rows = self.ahead.drain(..).collect();
        let window = Window::new(rows, &self.numbers, &self.ends());
        self.block(window, false)
    }

    /// Where blocks end, by the numbers of keys: all have about the same size.
    fn ends(&self) -> Vec<usize> {
        let count = self.keys.len().div_ceil(self.pace.block).max(1);
        let size = self.keys.len().div_ceil(count).max(1);
        let (mut ends, mut start, mut bytes) = (Vec::with_capacity(count), 0, 0_usize);
        for (key, length) in self.keys.lengths().enumerate() {
            bytes += length;
            if key > start && (key - start == size || bytes > self.pace.block_bytes) {
                ends.push(key);
                (start, bytes) = (key, length);
            }
        }
        ends.push(self.keys.len());
        ends
    }

    fn distinct(&self) -> usize {
        if self.ahead_rows == 0 { 0 } else { self.keys.len() }
    }

    /// Whether these keys would be too many.
    fn is_reached(&self, more: usize) -> bool {
        self.pace.hash_from.is_some_and(|most| self.asked.saturating_add(more as u64) >= most)
    }

    fn block(&mut self, mut window: Window, alone: bool) -> Result<Option<Part>> {
        let (rows, keys) = window.next_block()?;
        self.window = window.has_more().then_some(window);
        self.account()?;
        let held = self.reservation.new_empty();
        held.try_grow(rows.get_array_memory_size() + keys.get_array_memory_size())?;
        Ok(Some(Part::Block(Block { rows, keys, held, alone })))
    }

    /// Reads until so many rows are ahead as a small block wants, or as may be; gives how many those are.
    async fn fill(&mut self, wanted: Option<usize>) -> Result<usize> {
        loop {
            // What is read may show that it has to be more.
            let most = wanted.map_or(self.pace.read_ahead, |wanted| self.ahead_of(wanted));
            if self.ended || self.ahead_rows >= most {
                return Ok(most);
            }
            if let Some(batch) = self.read().await? {
                self.ahead.push_back(batch);
                self.account()?;
            }
        }
    }

    async fn read(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.rows.next().await.transpose()? else {
            self.ended = true;
            return Ok(None);
        };
        self.ahead_rows += batch.num_rows();
        Ok((batch.num_rows() > 0).then_some(batch))
    }

    /// Accounts for what is held ahead of the current block.
    fn account(&mut self) -> Result<()> {
        let window = self.window.as_ref().map_or(0, Window::size);
        let ahead: usize = self.ahead.iter().map(RecordBatch::get_array_memory_size).sum();
        let keys = self.keys.size() + self.numbers.capacity() * size_of::<u32>();
        self.reservation.try_resize(ahead + window + keys)
    }
}

/// A row of a batch, both by position.
type Place = (usize, usize);

/// Rows that are read, cut into blocks.
struct Window {
    rows: Vec<RecordBatch>,
    blocks: VecDeque<Places>,
}

#[derive(Default)]
struct Places {
    /// Nothing where they are all rows of the window.
    rows: Option<Vec<Place>>,
    /// The first row of each key.
    keys: Vec<Place>,
}

impl Window {
    /// Blocks of the keys up to each of these ends. `numbers` are those of the keys, one a row, in the order of their first
    /// rows.
    fn new(rows: Vec<RecordBatch>, numbers: &[u32], ends: &[usize]) -> Self {
        let mut blocks: Vec<Places> = Vec::new();
        blocks.resize_with(ends.len(), || Places { rows: (ends.len() > 1).then(Vec::new), keys: Vec::new() });
        let places =
            rows.iter().enumerate().flat_map(|(batch, held)| (0..held.num_rows()).map(move |row| (batch, row)));
        let mut next = 0;
        for (place, number) in places.zip(numbers) {
            let number = *number as usize;
            let Some(block) = blocks.get_mut(ends.partition_point(|end| *end <= number)) else { continue };
            if let Some(rows) = &mut block.rows {
                rows.push(place);
            }
            if number == next {
                block.keys.push(place);
                next += 1;
            }
        }
        Self { rows, blocks: blocks.into() }
    }

    fn has_more(&self) -> bool {
        !self.blocks.is_empty()
    }

    fn size(&self) -> usize {
        let rows: usize = self.rows.iter().map(RecordBatch::get_array_memory_size).sum();
        let places: usize = self.blocks.iter().map(Places::len).sum();
        rows + places * size_of::<Place>()
    }

    /// The rows of the next keys, and one of them for each key.
    fn next_block(&mut self) -> Result<(RecordBatch, RecordBatch)> {
        let places = self.blocks.pop_front().unwrap_or_default();
        let held: Vec<&RecordBatch> = self.rows.iter().collect();
        let keys = compact(&interleave_record_batch(&held, &places.keys)?)?;
        let rows = match (&places.rows, self.rows.as_slice()) {
            (Some(rows), _) => compact(&interleave_record_batch(&held, rows)?)?,
            (None, [only]) => only.clone(),
            (None, many) => concat_batches(&keys.schema(), many)?,
        };
        Ok((rows, keys))
    }
}

impl Places {
    fn len(&self) -> usize {
        self.keys.len() + self.rows.as_ref().map_or(0, Vec::len)
    }
}

/// The same rows without the texts of others.
fn compact(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(|column| match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()) as ArrayRef,
        _ => column.clone(),
    });
    Ok(RecordBatch::try_new(batch.schema(), columns.collect())?)
}

#[cfg(test)]
mod tests;
