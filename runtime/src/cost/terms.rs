//! What is counted: one row for each term of the model.

/// Declares the terms: what each counts, its name in tuning files, and whether threads divide it.
macro_rules! terms {
    ($($(#[doc = $doc:literal])+ $name:ident = $key:literal, $unit:literal, $divided:literal;)+) => {
        /// A term of the cost model.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Term { $($(#[doc = $doc])+ $name,)+ }

        impl Term {
            /// Every term, in the order of tuning files.
            pub const ALL: [Term; Term::COUNT] = [$(Term::$name,)+];

            /// How many terms there are.
            pub const COUNT: usize = [$($key,)+].len();

            /// Their names in tuning files.
            pub(crate) const KEYS: [&'static str; Term::COUNT] = [$($key,)+];

            /// What it is called in a tuning file.
            #[must_use]
            pub fn key(self) -> &'static str {
                Term::KEYS[self as usize]
            }

            /// What one of it is.
            #[must_use]
            pub fn unit(self) -> &'static str {
                match self { $(Term::$name => $unit,)+ }
            }

            /// Whether threads that share the work share this.
            #[must_use]
            pub fn is_divided(self) -> bool {
                match self { $(Term::$name => $divided,)+ }
            }

            /// The term of a name.
            #[must_use]
            pub fn named(key: &str) -> Option<Term> {
                Term::ALL.into_iter().find(|term| term.key() == key)
            }
        }
    };
}

terms! {
    /// Calls of a layer.
    Calls = "calls", "call of the layer", false;
    /// Cycles of the tiles of a channels-out kernel of run-time sizes, as its schedule counts them.
    ChannelsOut = "channels-out", "scheduled cycle", true;
    /// The same of a kernel that was generated for the shape.
    ChannelsOutFixed = "channels-out-fixed", "scheduled cycle", true;
    /// Cycles of the tiles of a depthwise kernel of run-time sizes.
    Depthwise = "depthwise", "scheduled cycle", true;
    /// The same of a kernel that was generated for the shape.
    DepthwiseFixed = "depthwise-fixed", "scheduled cycle", true;
    /// Cycles of the tiles of an along-the-row kernel of run-time sizes.
    AlongRow = "along-row", "scheduled cycle", true;
    /// The same of a kernel that was generated for the shape.
    AlongRowFixed = "along-row-fixed", "scheduled cycle", true;
    /// Register tiles of a channels-out kernel, begun and stored.
    ChannelsOutTiles = "channels-out-tiles", "register tile", true;
    /// Runs of taps that they walk over: filter rows, or their pieces.
    ChannelsOutRuns = "channels-out-runs", "run of taps of a tile", true;
    /// Register tiles of a depthwise kernel.
    DepthwiseTiles = "depthwise-tiles", "register tile", true;
    /// Runs of taps that they walk over.
    DepthwiseRuns = "depthwise-runs", "run of taps of a tile", true;
    /// Register tiles of an along-the-row kernel.
    AlongRowTiles = "along-row-tiles", "register tile", true;
    /// Filter columns and channels that they walk over.
    AlongRowRuns = "along-row-runs", "run of taps of a tile", true;
    /// Bytes of planar rows and weights that tiles read from beyond the first-level cache.
    AlongRowL2 = "along-row-l2", "byte", true;
    /// Calls of kernels.
    Kernels = "kernels", "call of a kernel", true;
    /// Parts of rows that a panel of weights passes over.
    Rows = "rows", "part of a row and panel", true;
    /// Rows, or ends of rows, that are staged.
    StagedRows = "staged-rows", "row", true;
    /// Numbers that are staged, padded on the way.
    StagedNumbers = "staged-numbers", "number", true;
    /// Numbers that are written several times, for several outputs of a channel.
    Repeated = "repeated", "number", true;
    /// Numbers that are turned from pixels to planes or back by permutations.
    Turned = "turned", "number", true;
    /// Numbers that are turned one by one.
    TurnedSingly = "turned-singly", "number", true;
    /// Entries of tables of planar rows.
    Entries = "entries", "entry", true;
    /// Bytes of weights that tiles read again from the second-level cache.
    WeightsL2 = "weights-l2", "byte", true;
    /// Bytes of weights that come from beyond it.
    WeightsL3 = "weights-l3", "byte", true;
    /// Bytes of picture and output that come from beyond the second-level cache, and go there.
    L3Bytes = "l3-bytes", "byte", true;
    /// Bytes of picture and output that come from beyond the last cache, and go there.
    MemoryBytes = "memory-bytes", "byte", true;
    /// Bytes from beyond the last cache that other threads want at the same time.
    SharedMemory = "shared-memory", "byte", false;
    /// Cycles of the tiles of Winograd's products, as the schedule of their kernel counts them.
    WinogradProducts = "winograd-products", "scheduled cycle", true;
    /// Instructions of Winograd's transforms.
    WinogradInstructions = "winograd-instructions", "instruction", true;
    /// Vectors that Winograd's transforms read and write.
    WinogradMoved = "winograd-moved", "vector", true;
    /// Passes of Winograd's transforms over tiles.
    WinogradPasses = "winograd-passes", "pass over a tile", true;
    /// Bytes of Winograd's transformed weights that come from beyond the second-level cache for the first
    /// block of tiles: each thread reads all of them.
    WinogradWeights = "winograd-weights", "byte", false;
    /// The same for every other block.
    WinogradWeightsAgain = "winograd-weights-again", "byte", true;
    /// Cycles of transforms along the rows and of the products of their spectra, as their layout counts
    /// them.
    Fft = "fft", "scheduled cycle", true;
    /// Cycles of two passes, down the columns and along the rows, as their prediction counts them.
    TwoPass = "two-pass", "scheduled cycle", true;
    /// Multiply-adds of a library's matrix product, its last tiles counted whole.
    Product = "product", "multiply-add", true;
    /// Steps of the last columns of a library's matrix product, where these are no whole vectors.
    ProductRagged = "product-ragged", "step", true;
    /// Calls of a library's matrix product.
    ProductCalls = "product-calls", "call of the library", true;
    /// Numbers of patches that a library packs, or picks one by one.
    ProductPatches = "product-patches", "number", true;
    /// Numbers of weights that a library packs, anew in each call.
    ProductWeights = "product-weights", "number", true;
    /// Numbers of patches that are gathered.
    Patches = "patches", "number", true;
    /// Runs of numbers that patches are gathered by.
    PatchRuns = "patch-runs", "run", true;
    /// Numbers that are finished after a product: bias and activation.
    Finished = "finished", "number", true;
    /// Pixels that are finished after a product.
    FinishedPixels = "finished-pixels", "pixel", true;
    /// Multiply-adds of the plain loops.
    NaiveProducts = "naive-products", "multiply-add", true;
    /// Outputs of the plain loops.
    NaiveOutputs = "naive-outputs", "output", true;
    /// Work that is handed to other threads.
    HandOvers = "hand-overs", "call that is split", false;
    /// Bands that it is cut into.
    Bands = "bands", "band", false;
}
