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

    #[investigate(skip)]
    mod cellar {
        fn count() {}
    }

    #[investigate(sample = 0.5)]
    impl Toy {
        fn sampled() {}
        #[investigate(sample = 1)]
        fn kept() {}
    }
}
