//! How far apart the cells of a page are.
use super::*;

const LINE: usize = 64;
const SMALLEST: Class = Class(0);

fn addresses(page: Page) -> Vec<usize> {
    page.cells().map(|cell| cell.addr().get()).collect()
}

#[test]
fn cells_of_the_first_pages_share_no_line_and_those_of_later_ones_lie_side_by_side() {
    let mut pages = Pages::default();
    let most = SMALLEST.wide_pages();
    for made in 0..most + 2 {
        let page = Page::allocate(pages.apart(SMALLEST));
        pages.add(page);
        let cells = addresses(page);
        for pair in cells.windows(2) {
            let (last, next) = (pair[0] + SMALLEST.size() - 1, pair[1]);
            assert!(last < next, "page {made}: cells overlap");
            if made < most {
                assert_ne!(last / LINE, next / LINE, "page {made}");
            } else {
                assert_eq!(last + 1, next, "page {made}");
            }
        }
        for cell in page.cells() {
            assert!(page.includes(cell));
            assert_eq!(page.cell_at(cell.addr().get()), Some(cell));
            assert_eq!(page.cell_at(cell.addr().get() + 8), None);
        }
        let end = cells[0] + page.size();
        assert_eq!(page.cell_at(end), None);
        assert_eq!(page.cell_at(cells[0] - 1), None);
    }
    free(pages);
}

#[test]
fn the_page_after_a_wide_one_that_has_gone_is_wide_again() {
    let mut pages = Pages::default();
    for _ in 0..SMALLEST.wide_pages() {
        pages.add(Page::allocate(pages.apart(SMALLEST)));
    }
    assert_eq!(pages.apart(SMALLEST), SMALLEST.size());
    let dense = Page::allocate(pages.apart(SMALLEST));
    pages.add(dense);
    let (place, _) = pages.iter().last().expect("there are pages");
    pages.remove(place);
    assert_eq!(pages.apart(SMALLEST), SMALLEST.size(), "a dense one has gone");
    let Ok(Some(first)) = pages.get(0) else { panic!("there is a first page") };
    pages.remove(0);
    assert_eq!(pages.apart(SMALLEST), SMALLEST.wide());
    for page in [dense, first] {
        // SAFETY: no cell of it is in use.
        unsafe { page.free(SMALLEST) };
    }
    free(pages);
}

fn free(pages: Pages) {
    for (_, page) in pages.iter() {
        // SAFETY: no cell of it is in use.
        unsafe { page.free(SMALLEST) };
    }
}
