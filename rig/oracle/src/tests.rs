//! Deliveries against what was ordered.
