//! How many classes were not seen: richness estimators, pure functions over counts.
