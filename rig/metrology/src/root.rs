//! Where a monotone function crosses zero.

/// Halvings and doublings at the most; the range of `f64` has 2,100 of them.
const MAX_DOUBLINGS: usize = 2200;
/// Steps at the most; one in three halves the bracket, so that even a stubborn function is settled to the last bit in 200.
const MAX_STEPS: usize = 200;

/// The x above 0 at which `f`, positive before and negative behind it, is zero, to the last bits of x; searched for from `guess` outwards.
/// NaN where `f` keeps its sign.
pub fn of_decreasing(guess: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (guess, guess);
    let mut at_low = f(low);
    let mut at_high = at_low;
    for _ in 0..MAX_DOUBLINGS {
        if at_low >= 0.0 && at_high <= 0.0 {
            return between((low, at_low), (high, at_high), f);
        }
        if at_low < 0.0 {
            (high, at_high) = (low, at_low);
            low /= 2.0;
            at_low = f(low);
        } else {
            (low, at_low) = (high, at_high);
            high *= 2.0;
            at_high = f(high);
        }
    }
    f64::NAN
}

/// False position with the weight of an end that stays halved (Illinois), and a bisection every third step.
fn between((mut low, mut at_low): (f64, f64), (mut high, mut at_high): (f64, f64), f: impl Fn(f64) -> f64) -> f64 {
    let (mut weight_low, mut weight_high) = (1.0, 1.0);
    for step in 0..MAX_STEPS {
        if at_low == 0.0 || at_high == 0.0 {
            return if at_low == 0.0 { low } else { high };
        }
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high || high - low <= 2.0 * f64::EPSILON * high {
            return middle;
        }
        let (a, b) = (weight_low * at_low, weight_high * at_high);
        let straight = low + (high - low) * (a / (a - b));
        let x = if step % 3 == 2 || !(straight > low && straight < high) { middle } else { straight };
        let y = f(x);
        if y >= 0.0 {
            (low, at_low, weight_low, weight_high) = (x, y, 1.0, weight_high / 2.0);
        } else {
            (high, at_high, weight_high, weight_low) = (x, y, 1.0, weight_low / 2.0);
        }
    }
    low + (high - low) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_found_from_anywhere() {
        for guess in [1e-300, 0.1, 3.0, 1e200] {
            for root in [1e-9, 0.7, 12.0, 1e12] {
                let x = of_decreasing(guess, |x| root - x);
                assert!((x - root).abs() <= 4.0 * f64::EPSILON * root, "{guess} {root}: {x}");
                let x = of_decreasing(guess, |x| libm::log(root / x));
                assert!((x - root).abs() <= 4.0 * f64::EPSILON * root, "{guess} {root}: {x}");
            }
        }
        assert!(of_decreasing(1.0, |_| 1.0).is_nan() && of_decreasing(1.0, |_| f64::NAN).is_nan());
    }
}
