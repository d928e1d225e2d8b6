//! The names of things as variables of their own.
//!
//! A pattern speaks of a thing, and matches whatever its source calls it. So each place of a thing gets a variable of its
//! own for the name, of which the alias step makes the thing. That is left out, or the variable shared, only where it says
//! the same:
//!
//! - Where every IRI that can stand at a place is its own representative, the name is the thing.
//! - Two places share a name where no two different IRIs, one of each, can be names of one thing: then their things are
//!   the same exactly when their names are. So the patterns about one row stay one access.
//! - A constant is one of its names where only that one can stand there; else each of them is asked for.

use super::{AliasTree, KnownAliases};
use crate::branch::BranchSet;
use crate::catalogue::{Catalogue, Place};
use crate::namespace::Namespace;
use crate::pattern::{PatternTerm, QuadPattern};
use crate::tree::Tree;
use crate::unfold::Unfolder;
use crate::{PlanError, PlanLimits, Rule};
use oxrdf::{NamedNode, Term, Variable};
use std::fmt;

/// So many choices of names are asked for one by one; more are keys.
const MOST_CHOICES: usize = 8;

/// What a pattern can be matched with in the thread view.
pub(crate) struct ThreadUnfolder<'a, 'b> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) known: &'a KnownAliases,
    pub(crate) limits: &'a PlanLimits,
    pub(crate) unfolder: &'b mut Unfolder<'a>,
    /// Why places need an alias step or need none, for people.
    pub(crate) notes: &'b mut Vec<String>,
}

/// One name, at the places that share it.
struct Name {
    thing: Thing,
    variable: Variable,
    /// Those in which some name is.
    namespaces: Vec<Namespace>,
    /// For a constant, the names it can be.
    choices: Vec<NamedNode>,
}

#[derive(Clone, Debug, PartialEq)]
enum Thing {
    Variable(Variable),
    /// By its representative.
    Constant(NamedNode),
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(variable) => write!(f, "{variable}"),
            Self::Constant(node) => write!(f, "{node}"),
        }
    }
}

/// Patterns over names.
#[derive(Default)]
struct Owned {
    patterns: Vec<QuadPattern>,
    names: Vec<Name>,
}

const PLACES: [Place; 2] = [Place::Subject, Place::Object];

fn at(pattern: &QuadPattern, place: Place) -> &PatternTerm {
    if place == Place::Subject { &pattern.subject } else { &pattern.object }
}

fn set(pattern: &mut QuadPattern, place: Place, term: PatternTerm) {
    if place == Place::Subject { pattern.subject = term } else { pattern.object = term }
}

impl ThreadUnfolder<'_, '_> {
    /// The solutions of a basic graph pattern over the things, each once.
    pub(crate) fn unfold(&mut self, quads: Vec<QuadPattern>) -> Result<Tree, PlanError> {
        let mut owned = Owned::default();
        for quad in quads {
            self.own(quad, &mut owned);
        }
        let mut members = Vec::new();
        for part in connected(owned.patterns) {
            let is_in = |name: &&Name| part.iter().any(|pattern| pattern.variables().any(|v| *v == name.variable));
            let names: Vec<&Name> = owned.names.iter().filter(is_in).collect();
            if names.iter().any(|name| !name.choices.is_empty()) {
                members.push(self.with_choices(part, &names)?);
            } else {
                self.with_names(part, &names, &mut members)?;
            }
        }
        Ok(match members.pop() {
            None => Tree::Unit,
            Some(only) if members.is_empty() => only,
            Some(last) => {
                members.push(last);
                Tree::Join(members)
            }
        })
    }

    /// Gives the places of a pattern their names.
    fn own(&mut self, mut quad: QuadPattern, owned: &mut Owned) {
        let text = quad.to_string();
        let choices = PLACES.map(|place| self.choices(at(&quad, place)));
        let mut open = quad.clone();
        for (place, names) in PLACES.iter().zip(&choices) {
            // Two places of one thing need not have one name.
            if !names.is_empty() || at(&quad, *place).variable().is_some() {
                set(&mut open, *place, PatternTerm::Variable(self.unfolder.hidden("name")));
            }
        }
        let holds = |triple: &weft_mapping::TripleMap, place: Place, name: &NamedNode| {
            let mapped = if place == Place::Subject { &triple.subject } else { &triple.object };
            mapped.term_type.may_hold(&name.clone().into())
        };
        let mut ids = self.unfolder.candidates(&open);
        ids.retain(|id| {
            let triple = self.catalogue.triple(*id);
            let mut wanted = PLACES.iter().zip(&choices).filter(|(_, names)| !names.is_empty());
            wanted.all(|(place, names)| names.iter().any(|name| holds(triple, *place, name)))
        });
        for (place, names) in PLACES.into_iter().zip(choices) {
            let mut namespaces: Vec<Namespace> =
                ids.iter().map(|id| self.catalogue.places(*id)[place as usize]).collect();
            namespaces.sort_unstable();
            namespaces.dedup();
            let is_possible = |name: &NamedNode| ids.iter().any(|id| holds(self.catalogue.triple(*id), place, name));
            let choices: Vec<NamedNode> = names.into_iter().filter(is_possible).collect();
            let thing = match at(&quad, place) {
                PatternTerm::Variable(variable) => {
                    if !namespaces.iter().any(|namespace| self.known.renames(*namespace)) {
                        self.note(|| format!("{variable} in {text}: what stands there is its own representative"));
                        continue;
                    }
                    Thing::Variable(variable.clone())
                }
                PatternTerm::Constant(Term::NamedNode(node)) => match choices.as_slice() {
                    [] => continue,
                    [only] => {
                        let term = PatternTerm::Constant(only.clone().into());
                        set(&mut quad, place, term);
                        continue;
                    }
                    _ => Thing::Constant(node.clone()),
                },
                PatternTerm::Constant(_) => continue,
            };
            let variable = self.name(owned, thing, namespaces, choices, &text);
            set(&mut quad, place, PatternTerm::Variable(variable));
        }
        owned.patterns.push(quad);
    }

    /// The names of a constant that has several.
    fn choices(&self, term: &PatternTerm) -> Vec<NamedNode> {
        match term {
            PatternTerm::Constant(Term::NamedNode(node)) => {
                let names = self.known.aliases().names(node.as_str());
                names.into_iter().map(NamedNode::new_unchecked).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The variable of the name at a place: one that is there, where that can only be the same name.
    fn name(
        &mut self,
        owned: &mut Owned,
        thing: Thing,
        mut namespaces: Vec<Namespace>,
        choices: Vec<NamedNode>,
        pattern: &str,
    ) -> Variable {
        namespaces.retain(|namespace| self.known.is_touched(*namespace));
        let are_linked =
            |name: &Name| name.namespaces.iter().any(|a| namespaces.iter().any(|b| self.known.are_linked(*a, *b)));
        let shares = self.limits.rules.allows(Rule::SharedName);
        // Two places of a constant that both have several of its names are always linked.
        let same = owned.names.iter().position(|name| shares && name.thing == thing && !are_linked(name));
        if let Some(position) = same {
            let name = &mut owned.names[position];
            name.namespaces.extend(namespaces);
            let variable = name.variable.clone();
            self.note(|| format!("{thing} in {pattern}: under the same name as in another pattern"));
            return variable;
        }
        let variable = self.unfolder.hidden("name");
        self.note(|| match choices.len() {
            0 => format!("{thing} in {pattern}: by an alias step from {variable}"),
            names => format!("{thing} in {pattern}: by each of the {names} names it can have there"),
        });
        owned.names.push(Name { thing, variable: variable.clone(), namespaces, choices });
        variable
    }

    fn note(&mut self, note: impl FnOnce() -> String) {
        if self.notes.len() < super::MOST_NOTES {
            let note = note();
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    /// Patterns whose names are all of variables: the sets that share a name are one step.
    fn with_names(
        &mut self,
        part: Vec<QuadPattern>,
        names: &[&Name],
        members: &mut Vec<Tree>,
    ) -> Result<(), PlanError> {
        let mut units: Vec<(Vec<BranchSet>, Vec<&Name>)> = Vec::new();
        for set in self.unfolder.unfold(part)? {
            let mut own: Vec<&Name> =
                names.iter().copied().filter(|name| set.variables.contains(&name.variable)).collect();
            let mut sets = vec![set];
            let shares = |known: &Vec<&Name>| known.iter().any(|a| own.iter().any(|b| a.variable == b.variable));
            let (same, other): (Vec<_>, Vec<_>) = units.drain(..).partition(|(_, known)| shares(known));
            units = other;
            for (more, known) in same {
                sets.extend(more);
                own.extend(
                    known.into_iter().filter(|a| !own.iter().any(|b| a.variable == b.variable)).collect::<Vec<_>>(),
                );
            }
            units.push((sets, own));
        }
        for (mut sets, own) in units {
            sets.reverse();
            let input = one_or_join(sets);
            members.push(match own.is_empty() {
                true => input,
                false => Tree::Alias(Box::new(self.step(input, &own, Vec::new()))),
            });
        }
        Ok(())
    }

    /// Patterns with constants that may be called by several names.
    fn with_choices(&mut self, part: Vec<QuadPattern>, names: &[&Name]) -> Result<Tree, PlanError> {
        let (constants, own): (Vec<&Name>, Vec<&Name>) = names.iter().copied().partition(|n| !n.choices.is_empty());
        let choices = constants.iter().map(|name| name.choices.len()).fold(1, usize::saturating_mul);
        if choices > MOST_CHOICES {
            let sets = self.unfolder.unfold(part)?;
            let mut members: Vec<Tree> = constants.iter().map(|name| values(name)).collect();
            members.extend(sets.into_iter().map(Tree::Branches));
            let hidden = constants.iter().map(|name| name.variable.clone()).collect();
            return Ok(Tree::Alias(Box::new(self.step(Tree::Join(members), &own, hidden))));
        }
        let mut each = vec![part];
        for name in &constants {
            let with = |patterns: &Vec<QuadPattern>, choice: &NamedNode| {
                patterns.iter().map(|pattern| named(pattern, &name.variable, choice)).collect()
            };
            each = each.iter().flat_map(|patterns| name.choices.iter().map(move |c| with(patterns, c))).collect();
        }
        let members = each.into_iter().map(|patterns| Ok(one_or_join(self.unfolder.unfold(patterns)?)));
        let input = Tree::Union(members.collect::<Result<_, PlanError>>()?);
        let hidden = constants.iter().map(|name| name.variable.clone()).collect();
        Ok(Tree::Alias(Box::new(self.step(input, &own, hidden))))
    }

    fn step(&self, input: Tree, own: &[&Name], hidden: Vec<Variable>) -> AliasTree {
        let is_injective = |name: &&Name| {
            let namespaces = &name.namespaces;
            let mut pairs =
                namespaces.iter().enumerate().flat_map(|(i, a)| namespaces[i..].iter().map(move |b| (a, b)));
            !pairs.any(|(a, b)| self.known.are_linked(*a, *b))
        };
        let names = own.iter().filter_map(|name| match &name.thing {
            Thing::Variable(thing) => Some((name.variable.clone(), thing.clone())),
            Thing::Constant(_) => None,
        });
        AliasTree { names: names.collect(), is_set: hidden.is_empty() && own.iter().all(is_injective), hidden, input }
    }
}

fn values(name: &Name) -> Tree {
    let rows = name.choices.iter().map(|choice| vec![Some(choice.clone().into())]).collect();
    Tree::Values { variables: vec![name.variable.clone()], rows }
}

fn named(pattern: &QuadPattern, variable: &Variable, choice: &NamedNode) -> QuadPattern {
    let mut pattern = pattern.clone();
    for place in PLACES {
        if at(&pattern, place).variable() == Some(variable) {
            set(&mut pattern, place, PatternTerm::Constant(choice.clone().into()));
        }
    }
    pattern
}

fn one_or_join(mut sets: Vec<BranchSet>) -> Tree {
    match sets.pop() {
        None => Tree::Unit,
        Some(only) if sets.is_empty() => Tree::Branches(only),
        Some(last) => {
            sets.push(last);
            Tree::Join(sets.into_iter().map(Tree::Branches).collect())
        }
    }
}

/// The patterns in parts that share nothing.
fn connected(patterns: Vec<QuadPattern>) -> Vec<Vec<QuadPattern>> {
    let mut parts: Vec<Vec<QuadPattern>> = Vec::new();
    for pattern in patterns {
        let shares = |part: &Vec<QuadPattern>| part.iter().any(|other| pattern.is_connected(other));
        let (same, other): (Vec<_>, Vec<_>) = parts.drain(..).partition(shares);
        parts = other;
        let mut part: Vec<QuadPattern> = same.into_iter().flatten().collect();
        part.push(pattern);
        parts.push(part);
    }
    parts
}
