//! What someone may have meant.

/// The candidate nearest to a misspelt name, if one is near: the same but for case, or a few letters away.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 128;
    if name.len() > LONGEST {
        return None;
    }
    let lower = name.to_lowercase();
    let limit = name.chars().count().div_ceil(4).saturating_sub(usize::from(name.chars().count() < 3));
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `, did you mean X?` or nothing.
pub(crate) fn did_you_mean(suggestion: Option<impl std::fmt::Display>) -> String {
    suggestion.map(|s| format!(", did you mean {s}?")).unwrap_or_default()
}

/// The nearest of some names, or all of them if they are few: what to add to a message that one is unknown.
pub(crate) fn nearest_or_all<'a>(name: &str, candidates: impl Iterator<Item = &'a str> + Clone) -> String {
    const MOST: usize = 8;
    if let Some(nearest) = nearest(name, candidates.clone()) {
        return format!(", did you mean {nearest:?}?");
    }
    let mut shown: Vec<&str> = candidates.take(MOST + 1).collect();
    if shown.is_empty() || shown.len() > MOST {
        return String::new();
    }
    shown.sort_unstable();
    format!(", it has {}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_suggested() {
        let names = ["Student", "Sport", "Student_Sport"];
        assert_eq!(nearest("Studnet", names), Some("Student"));
        assert_eq!(nearest("STUDENT_SPORT", names), Some("Student_Sport"));
        assert_eq!(nearest("Employee", names), None);
        assert_eq!(nearest("IDs", ["Name", "ID"]), Some("ID"));
        assert_eq!(nearest("id", ["ID"]), Some("ID"));
        assert_eq!(nearest("id", ["is"]), None);
        assert_eq!(nearest_or_all("Sprot", names.into_iter()), ", did you mean \"Sport\"?");
        assert_eq!(nearest_or_all("Employee", names.into_iter()), ", it has Sport, Student, Student_Sport");
        assert_eq!(nearest_or_all("Employee", ["a"; 9].into_iter()), "");
        let long = "a".repeat(1_000_000);
        assert_eq!(nearest(&long, [long.as_str()]), None);
    }
}
