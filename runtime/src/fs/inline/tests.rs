use super::*;

fn errno(number: i32) -> Refusal {
    refusal(&io::Error::from_raw_os_error(number))
}

#[test]
fn only_what_the_cache_knows_to_be_absent_is_answered_here() {
    assert_eq!(errno(libc::ENOENT), Refusal::Absent);
    for number in [libc::EAGAIN, libc::EACCES, libc::EPERM, libc::ELOOP, libc::ENOTDIR, libc::EMFILE] {
        assert_eq!(errno(number), Refusal::NotNow, "{number}");
    }
}

#[test]
fn a_kernel_that_does_not_know_the_call_is_not_asked_again() {
    assert_eq!(errno(libc::ENOSYS), Refusal::Unknown);
    assert_eq!(errno(libc::EINVAL), Refusal::Unknown);
}
