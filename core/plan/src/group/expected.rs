//! Rows expected of a group.
//!
//! What earlier scans of the same shape showed goes before what is worked out from counts; keys that allow one row only go
//! before both.

use super::decompose::{equalities, table_of};
use super::{Group, KeySlot};
use crate::catalogue::Catalogue;
use crate::cost::{self, Counted, REQUEST};
use crate::observed::{Seen, Shape, SourceObserved};
use crate::{Basis, KeyPlace};
use weft_model::contract::Table;

impl Group {
    /// Rows expected without keys.
    pub(crate) fn estimate(&self, catalogue: &Catalogue) -> f64 {
        match self.seen(catalogue, None) {
            Some(seen) => seen.rows.max(1.0),
            None => self.computed(catalogue).0,
        }
    }

    /// Rows expected for each key of the slot.
    pub(crate) fn rows_per_key(&self, catalogue: &Catalogue, slot: &KeySlot) -> f64 {
        let Some(table) = self.keyed_table(catalogue, slot) else { return 1.0 };
        if let Some(seen) = self.seen(catalogue, Some(slot)) {
            return seen.rows;
        }
        self.estimate(catalogue) / self.counted(table).distinct(&slot_columns(slot))
    }

    /// What a request to the source costs, in rows of it.
    pub(crate) fn request_cost(&self) -> f64 {
        self.observed.as_deref().and_then(|observed| observed.latency.as_ref()).map_or(REQUEST, cost::request_cost)
    }

    /// What the rows expected of a scan of the group are taken from.
    pub(super) fn basis(&self, catalogue: &Catalogue, slot: Option<&KeySlot>) -> Basis {
        if self.seen(catalogue, slot).is_some() {
            return Basis::Observed;
        }
        let whole = match self.seen(catalogue, None) {
            Some(_) => Basis::Observed,
            None => self.computed(catalogue).1,
        };
        let keyed = slot.and_then(|slot| Some((slot, self.keyed_table(catalogue, slot)?)));
        match keyed {
            Some((slot, table)) => whole.min(self.counted(table).distinct_basis(&slot_columns(slot))),
            None => whole,
        }
    }

    fn keyed_table<'a>(&self, catalogue: &'a Catalogue, slot: &KeySlot) -> Option<&'a Table> {
        let (_, position) = self.accesses.iter().enumerate().find(|(number, _)| slot.is_read(&self.alias(*number)))?;
        table_of(catalogue, &self.branch, *position)
    }

    fn computed(&self, catalogue: &Catalogue) -> (f64, Basis) {
        *self.computed.get_or_init(|| self.compute(catalogue))
    }

    fn compute(&self, catalogue: &Catalogue) -> (f64, Basis) {
        let (mut rows, mut basis) = (1.0, Basis::Observed);
        for (number, position) in self.accesses.iter().enumerate() {
            let Some(table) = table_of(catalogue, &self.branch, *position) else { continue };
            let (counted, access) = (self.counted(table), &self.branch.accesses[*position]);
            match self.seen_access(&counted, *position) {
                Some(seen) => rows *= seen.rows.max(1.0),
                None => {
                    rows *= counted.access_rows(access);
                    basis = basis.min(counted.access_basis(access));
                }
            }
            for (left, right) in equalities(catalogue, &self.branch, &self.accesses[..number], *position) {
                let mut different = counted.distinct(std::slice::from_ref(&right.1));
                basis = basis.min(counted.distinct_basis(std::slice::from_ref(&right.1)));
                if let Some(table) = table_of(catalogue, &self.branch, left.0) {
                    different = different.max(self.counted(table).distinct(std::slice::from_ref(&left.1)));
                }
                rows /= different;
            }
        }
        (rows.max(1.0), basis)
    }

    /// The table with the rows it is taken to have.
    fn counted<'a>(&self, table: &'a Table) -> Counted<'a> {
        let seen = self.observed.as_deref().and_then(|observed| seen_read(observed, &table.name, &[]));
        Counted::new(table, seen)
    }

    /// What scans of one table of a group showed.
    fn seen_access(&self, counted: &Counted<'_>, position: usize) -> Option<Seen> {
        let access = &self.branch.accesses[position];
        // Of a group of one, the shape of the table is that of the group.
        if self.accesses.len() == 1 || counted.is_one_row(access) || access.conditions.is_empty() {
            return None;
        }
        seen_read(self.observed.as_deref()?, &access.table, &access.conditions).copied()
    }

    /// What scans of the shape of this group showed, where nothing more certain is known.
    fn seen(&self, catalogue: &Catalogue, slot: Option<&KeySlot>) -> Option<Seen> {
        let observed = self.observed.as_deref()?;
        let shape = self.shape.get_or_init(|| self.unkeyed_shape());
        let seen = match slot.map(|slot| (slot, &slot.place)) {
            None => *observed.seen(&shape.text)?,
            Some((slot, KeyPlace::Read(alias))) => {
                let mut shape = shape.clone();
                shape.keys(alias, slot.columns.iter().flat_map(|c| c.columns.iter().map(String::as_str)));
                *observed.seen(&shape.text)?
            }
            Some((_, KeyPlace::Start)) => return None,
        };
        if let [position] = self.accesses.as_slice() {
            let (table, access) = (table_of(catalogue, &self.branch, *position)?, &self.branch.accesses[*position]);
            let keyed = slot.map(slot_columns).unwrap_or_default();
            let keyed: Vec<&str> = keyed.iter().map(String::as_str).collect();
            let is_younger = table.rows.is_some_and(|declared| declared.measured_at > seen.seen_at);
            if Counted::new(table, None).is_one_row(access)
                || table.is_unique(&keyed)
                || slot.is_none() && access.conditions.is_empty() && is_younger
            {
                return None;
            }
        }
        Some(seen)
    }

    /// The shape of the relation that a scan of the group asks for without keys.
    fn unkeyed_shape(&self) -> Shape {
        let mut shape = Shape::default();
        for (number, position) in self.accesses.iter().enumerate() {
            let access = &self.branch.accesses[*position];
            if number > 0 {
                shape.text.push_str(" * ");
            }
            shape.read(&self.alias(number), &access.table, &access.conditions);
            if number > 0 {
                shape.on(&self.join_columns(number));
            }
        }
        shape
    }
}

fn seen_read<'a>(
    observed: &'a SourceObserved,
    table: &str,
    conditions: &[weft_model::contract::Expression],
) -> Option<&'a Seen> {
    let mut shape = Shape::default();
    shape.read("", table, conditions);
    observed.seen(&shape.text)
}

fn slot_columns(slot: &KeySlot) -> Vec<String> {
    slot.columns.iter().flat_map(|column| column.columns.iter().cloned()).collect()
}
