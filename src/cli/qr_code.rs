//! A QR code for the terminal, so that a phone can open the page.

use fast_qr::{ECL, QRBuilder, QRCode};

/// The empty border that scanners need, in modules (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;
/// White on black, independent of the terminal's colours, and reset.
const WHITE_ON_BLACK: &str = "\x1b[97;40m";
const RESET: &str = "\x1b[0m";

/// Draws `text` with two rows of modules per line, light modules as filled; `None` if it is wider than `columns`.
///
/// Without colours it is correct on dark terminals only, which are the majority; most scanners can read it on light ones as well.
pub fn draw(text: &str, columns: usize, coloured: bool) -> Option<String> {
    // Screens are not damaged: the lowest error correction gives the largest modules.
    let code = QRBuilder::new(text).ecl(ECL::L).build().ok()?;
    let side = code.size + 2 * QUIET_ZONE;
    if side > columns {
        return None;
    }
    let lines = (0..side).step_by(2).map(|row| line(&code, row, side));
    let lines = lines.map(|line| if coloured { format!("{WHITE_ON_BLACK}{line}{RESET}\n") } else { format!("{line}\n") });
    Some(lines.collect())
}

fn line(code: &QRCode, row: usize, side: usize) -> String {
    let half_blocks = (0..side).map(|column| match (is_light(code, row, column), is_light(code, row + 1, column)) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    });
    half_blocks.collect()
}

/// Whether a module is light; everything around the code is.
#[expect(clippy::indexing_slicing, reason = "inside the code, as has just been checked")]
fn is_light(code: &QRCode, row: usize, column: usize) -> bool {
    let inside = QUIET_ZONE..QUIET_ZONE + code.size;
    !(inside.contains(&row) && inside.contains(&column) && code[row - QUIET_ZONE][column - QUIET_ZONE].value())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "https://portal.example.org/device?user_code=WDJB-MJHT";

    #[test]
    fn code_is_drawn_only_if_it_fits() {
        let width = draw(ADDRESS, 200, false).unwrap().lines().next().unwrap().chars().count();
        assert!(draw(ADDRESS, width, false).is_some());
        assert!(draw(ADDRESS, width - 1, false).is_none());
        assert!(width <= 80, "it fits an ordinary terminal");
    }

    #[test]
    fn the_border_is_light_and_the_corners_have_finder_patterns() {
        let drawn = draw(ADDRESS, 200, false).unwrap();
        let lines: Vec<Vec<char>> = drawn.lines().map(|line| line.chars().collect()).collect();
        let width = lines[0].len();
        assert!(lines.iter().all(|line| line.len() == width));
        assert!(lines[..2].iter().flatten().all(|c| *c == '█'));
        // The first two rows of a finder pattern: seven dark modules over one dark, five light, one dark.
        assert_eq!(lines[2][..12].iter().collect::<String>(), "████ ▄▄▄▄▄ █");
        assert_eq!(lines[2][width - 12..].iter().collect::<String>(), "█ ▄▄▄▄▄ ████");
    }

    #[test]
    fn colours_are_set_and_reset_on_each_line() {
        let drawn = draw(ADDRESS, 200, true).unwrap();
        assert!(drawn.lines().all(|line| line.starts_with(WHITE_ON_BLACK) && line.ends_with(RESET)));
        assert!(!draw(ADDRESS, 200, false).unwrap().contains('\x1b'));
    }

    #[test]
    fn overlong_text_is_not_drawn() {
        assert!(draw(&"x".repeat(5_000), 10_000, false).is_none());
    }
}
