//! A tenant's accent colours, checked for contrast (WCAG 2.2 §1.4.3).

/// Minimum contrast of text, WCAG level AA.
const MIN_CONTRAST: f64 = 4.5;
/// Backgrounds of links and buttons in light and dark mode: `--surface` and `--ground` of the style sheet.
const LIGHT_BACKGROUNDS: [Colour; 2] = [Colour([0xff, 0xff, 0xff]), Colour([0xf5, 0xf6, 0xf8])];
const DARK_BACKGROUNDS: [Colour; 2] = [Colour([0x18, 0x20, 0x2a]), Colour([0x10, 0x15, 0x1b])];

/// The colours of links and main buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brand {
    light: Colour,
    dark: Colour,
}

/// Why a colour is refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BrandRefused {
    /// Not of the form `#rrggbb`.
    NotAColour,
    /// Contrast on a light background is too low; its value.
    FaintOnLight(f64),
    /// Contrast on a dark background is too low; its value.
    FaintOnDark(f64),
}

impl Brand {
    /// Parses `#rrggbb` for light and dark mode. Refuses colours that are malformed or have too little contrast.
    pub fn parse(light: &str, dark: &str) -> Result<Self, BrandRefused> {
        let brand = Self { light: Colour::parse(light)?, dark: Colour::parse(dark)? };
        let worst = |colour: Colour, grounds: [Colour; 2]| grounds.into_iter().map(|ground| colour.contrast(ground)).fold(f64::INFINITY, f64::min);
        let (on_light, on_dark) = (worst(brand.light, LIGHT_BACKGROUNDS), worst(brand.dark, DARK_BACKGROUNDS));
        if on_light < MIN_CONTRAST {
            Err(BrandRefused::FaintOnLight(on_light))
        } else if on_dark < MIN_CONTRAST {
            Err(BrandRefused::FaintOnDark(on_dark))
        } else {
            Ok(brand)
        }
    }

    pub fn light(&self) -> String {
        self.light.to_string()
    }

    pub fn dark(&self) -> String {
        self.dark.to_string()
    }

    /// Custom properties for the style sheet. White and the darkest background have enough contrast on colours that were accepted.
    pub fn style(&self) -> String {
        format!(":root {{ --accent: light-dark({}, {}); --on-accent: light-dark(#ffffff, #10151b); }}\n", self.light, self.dark)
    }
}

/// Red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colour([u8; 3]);

impl Colour {
    fn parse(text: &str) -> Result<Self, BrandRefused> {
        let digits = text.trim().strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or(BrandRefused::NotAColour)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }

    /// Contrast ratio of WCAG 2.2, 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Relative luminance of WCAG 2.2, 0 to 1.
    fn luminance(self) -> f64 {
        let Self([red, green, blue]) = self;
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_with_too_little_contrast_are_refused() {
        let brand = Brand::parse("#BF5700", "#ffb37a").map(|brand| (brand.light(), brand.dark()));
        assert!(matches!(brand, Err(BrandRefused::FaintOnLight(contrast)) if (4.0..4.5).contains(&contrast)), "{brand:?}");
        assert_eq!(Brand::parse("#a34a00", "#FFB37A").map(|brand| brand.dark()), Ok("#ffb37a".into()));
        assert!(matches!(Brand::parse("#000000", "#222222"), Err(BrandRefused::FaintOnDark(_))));
        for nonsense in ["", "#12345", "#1234567", "red", "#12345g", "#+12345", "url(x)"] {
            assert_eq!(Brand::parse(nonsense, "#ffffff"), Err(BrandRefused::NotAColour), "{nonsense}");
        }
    }

    #[test]
    fn contrast_matches_wcag() {
        let (black, white) = (Colour([0; 3]), Colour([255; 3]));
        assert!((black.contrast(white) - 21.0).abs() < 0.01);
        assert!((white.contrast(white) - 1.0).abs() < 0.01);
    }
}
