//! Texts for the fuzz targets of parsers: nearly valid ones.

/// A text that differs from `right` in some places: each edit has another character stand at a place, or beside it.
#[must_use]
pub fn bent(right: &str, edits: &[(u8, char)]) -> String {
    let mut characters: Vec<char> = right.chars().collect();
    for (place, character) in edits {
        let place = usize::from(*place);
        match characters.get_mut(place / 2) {
            Some(there) if place % 2 == 0 => *there = *character,
            Some(_) => characters.insert(place / 2, *character),
            None => characters.truncate(place / 4),
        }
    }
    characters.into_iter().collect()
}
