//! Trees as lists of nodes, children before parents.

use super::{ConvertError, Limits};

/// Rebuilds a tree from its node list. Every child is taken once, so a list cannot stand for more than it holds.
pub(super) struct Builder<T> {
    what: &'static str,
    /// What each node so far stands for, with its depth; empty once it has a parent.
    slots: Vec<Option<(T, usize)>>,
    /// The depth of the children taken for the current node.
    below: usize,
    depth_limit: usize,
}

impl<T> Builder<T> {
    pub(super) fn new(what: &'static str, nodes: usize, limits: &Limits) -> Result<Self, ConvertError> {
        if nodes > limits.nodes {
            return Err(ConvertError::TooManyNodes { what, limit: limits.nodes });
        }
        Ok(Self { what, slots: Vec::with_capacity(nodes), below: 0, depth_limit: limits.depth })
    }

    /// A child of the node to be pushed next.
    pub(super) fn child(&mut self, index: u32) -> Result<T, ConvertError> {
        let slot = usize::try_from(index).ok().and_then(|i| self.slots.get_mut(i)).and_then(Option::take);
        let (child, depth) =
            slot.ok_or(ConvertError::Child { what: self.what, node: self.slots.len(), child: index })?;
        self.below = self.below.max(depth);
        Ok(child)
    }

    pub(super) fn push(&mut self, node: T) -> Result<(), ConvertError> {
        let depth = std::mem::take(&mut self.below) + 1;
        if depth > self.depth_limit {
            return Err(ConvertError::TooDeep { what: self.what, limit: self.depth_limit });
        }
        self.slots.push(Some((node, depth)));
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<T, ConvertError> {
        let (root, _) = self.slots.pop().flatten().ok_or(ConvertError::Missing(self.what))?;
        match self.slots.iter().position(Option::is_some) {
            Some(node) => Err(ConvertError::Unused { what: self.what, node }),
            None => Ok(root),
        }
    }
}

/// Collects the nodes of a tree, children first.
pub(super) struct Flat<N> {
    what: &'static str,
    nodes: Vec<N>,
    limits: Limits,
}

impl<N> Flat<N> {
    pub(super) fn new(what: &'static str, limits: &Limits) -> Self {
        Self { what, nodes: Vec::new(), limits: *limits }
    }

    /// Asked before a level is entered, so that the recursion over our own trees is limited too.
    pub(super) fn check_depth(&self, depth: usize) -> Result<(), ConvertError> {
        if depth > self.limits.depth {
            return Err(ConvertError::TooDeep { what: self.what, limit: self.limits.depth });
        }
        Ok(())
    }

    /// Returns the node's index.
    pub(super) fn push(&mut self, node: N) -> Result<u32, ConvertError> {
        let too_many = ConvertError::TooManyNodes { what: self.what, limit: self.limits.nodes };
        if self.nodes.len() >= self.limits.nodes {
            return Err(too_many);
        }
        let index = u32::try_from(self.nodes.len()).map_err(|_| too_many)?;
        self.nodes.push(node);
        Ok(index)
    }

    pub(super) fn into_nodes(self) -> Vec<N> {
        self.nodes
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }
}
