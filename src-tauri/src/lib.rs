//! Loopwright's desktop program: it composes the rooms below and holds no logic of the loop.
