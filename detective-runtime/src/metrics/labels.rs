//! Enums whose variants are the values of a label.

/// Declares such an enum, each variant with its text, and makes from it `ALL` and `as_str`.
///
/// Arrays with one element for each variant are as long as `ALL` and are indexed by `variant as usize`. Both come from
/// the one declaration, so that no variant can lack its element.
macro_rules! labels {
    (
        $(#[$meta:meta])*
        $visibility:vis enum $Name:ident {
            $(
                $(#[$variant_meta:meta])*
                $Variant:ident = $text:literal,
            )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $visibility enum $Name {
            $($(#[$variant_meta])* $Variant,)+
        }

        impl $Name {
            /// Every variant, in the order of declaration.
            $visibility const ALL: [Self; [$($text),+].len()] = [$(Self::$Variant),+];

            /// The value of the label.
            $visibility fn as_str(self) -> &'static str {
                match self {
                    $(Self::$Variant => $text,)+
                }
            }
        }
    };
}

pub(super) use labels;
