use super::*;

fn found(mount: u64, unique: bool, device: (u32, u32)) -> Found {
    Found { mode: 0, size: 0, inode: 0, mount, unique, device }
}

#[test]
fn an_unknown_mount_is_not_trusted() {
    let mounts = Mounts::new();
    assert_eq!(mounts.trust(Mount::of(&found(0, true, (0, 0)))), None);
    assert_eq!(mounts.trust(Mount::of(&found(1 << 31, true, (8, 1)))), None);
}

#[test]
fn what_was_learned_is_told_of_that_mount_alone() {
    let mounts = Mounts::new();
    let mount = |id| Mount::of(&found((1 << 31) + id, true, (0, 1)));
    for (id, trust) in [(1, Trust::Foreign), (2, Trust::Local), (3, Trust::LocalUnread)] {
        mounts.learn(mount(id), trust);
        assert_eq!(mounts.trust(mount(id)), Some(trust));
    }
    // In the same place as the first.
    let other = mount(1 + ENTRIES as u64);
    assert_eq!(other.place(), mount(1).place());
    assert_eq!(mounts.trust(other), None);
    mounts.learn(other, Trust::Local);
    assert_eq!(mounts.trust(mount(1)), None);
    assert_eq!(mounts.trust(mount(2)), Some(Trust::Local));
}

#[test]
fn where_ids_are_used_again_the_device_tells_mounts_apart() {
    let (one, two) = (Mount::of(&found(30, false, (0, 50))), Mount::of(&found(30, false, (0, 51))));
    assert_ne!(one, two);
    assert_ne!(one, Mount::of(&found(31, false, (0, 50))));
    assert_ne!(one, Mount::of(&found(30, false, (1, 50))));
}

#[test]
fn network_and_user_space_file_systems_are_not_local() {
    for magic in [
        0x6969u32,   // NFS
        0x6573_5546, // FUSE
        0xff53_4d42, // CIFS
        0xfe53_4d42, // SMB2
        0x0102_1997, // 9P
        0x00c3_6400, // Ceph
        0x9fa0,      // proc
        0x6265_6572, // sysfs
    ] {
        assert!(!is_local(magic), "{magic:x}");
    }
    assert!(is_local(0xef53));
}
