const CHANNELS: usize = 3;

#[tapwise::conv2d(delta = 1, c_in = CHANNELS, c_out = 2 * 8)]
struct Layer;

fn main() {
    let _ = CHANNELS;
}
