//! The event stream's lines. Only `data: <number>` matters; all else is a comment or a keep-alive.

/// Bytes in, numbers out. A line may arrive in pieces.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
}

/// A line longer than this is none of ours.
const LONGEST: usize = 4_096;

impl Events {
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u64> {
        let mut heads = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => heads.extend(head(&std::mem::take(&mut self.line))),
                _ if self.line.len() < LONGEST => self.line.push(*byte),
                _ => {}
            }
        }
        heads
    }
}

fn head(line: &[u8]) -> Option<u64> {
    std::str::from_utf8(line).ok()?.strip_prefix("data:")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_out_however_the_bytes_are_cut() {
        let stream = b": hello\nevent: head\ndata: 41\r\n\ndata:42\n\ndata: soon\n";
        assert_eq!(Events::default().push(stream), [41, 42]);
        let mut events = Events::default();
        let piecewise: Vec<u64> = stream.iter().flat_map(|b| events.push(&[*b])).collect();
        assert_eq!(piecewise, [41, 42]);
    }

    #[test]
    fn an_endless_line_does_not_fill_the_memory() {
        let mut events = Events::default();
        assert!(events.push(&vec![b'x'; 1 << 20]).is_empty());
        assert!(events.line.len() <= LONGEST);
    }
}
