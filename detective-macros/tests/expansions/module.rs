#[investigate]
mod toys {
    //! The toys.
    use std::fmt;

    pub struct Toy;

    impl fmt::Display for Toy {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("toy")
        }
    }

    trait Find {
        fn find();
        fn find_all() {}
    }

    mod shelf {
        fn count() {}
    }
}
