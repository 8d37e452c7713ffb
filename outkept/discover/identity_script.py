"""The question every machine is asked after the login, as one command."""

_LINES = (
    "PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin; LC_ALL=C; export PATH LC_ALL;",
    # Put together by printf, so that a server that repeats our command has not answered it.
    'printf "%s-%s\\n" "outkept" "identity-begins";',
    'say() { [ -n "$2" ] && printf "%s=%s\\n" "$1" "$2"; };',
    # Files in /proc have no size: only their content tells whether they say anything.
    'first() { for f in "$@"; do v=$(head -n 1 "$f") && [ -n "$v" ] && echo "$v" && return;'
    " done; return 1; };",
    'ctl() { for k in "$@"; do sysctl -n "$k" && return; done; };',
    "{",
    'say machine_id "$(first /etc/machine-id /var/lib/dbus/machine-id'
    ' || ctl kern.hostuuid hw.uuid)";',
    'say boot_id "$(first /proc/sys/kernel/random/boot_id'
    ' || ctl kern.boot_id kern.bootsessionuuid)";',
    'say hostname "$(uname -n || hostname)";',
    'say os "$(grep -h ^PRETTY_NAME= /etc/os-release /usr/lib/os-release | head -n 1)";',
    'say system "$(uname -s)";',
    'say kernel "$(uname -r)";',
    'say arch "$(uname -m)";',
    'say cpus "$(getconf _NPROCESSORS_ONLN || nproc || grep -c ^processor /proc/cpuinfo'
    ' || ctl hw.ncpu)";',
    'say memory_kb "$(grep ^MemTotal: /proc/meminfo)";',
    '[ -r /proc/meminfo ] || say memory "$(ctl hw.memsize hw.physmem64 hw.physmem)";',
    'say shell "$SHELL";',
    "for d in /sys/class/net/*; do",
    '[ -r "$d/address" ] || continue;',
    "k=vnic;",
    '[ -e "$d/device" ] && k=nic;',
    # A bonded card shows the bond's address; its own is kept beside it.
    'say $k "${d##*/} $(first "$d/bonding_slave/perm_hwaddr" "$d/address")";',
    "done;",
    "if ip -o addr show scope global >/dev/null;",
    'then ip -o addr show scope global | sed "s/^/ip=/";',
    'else ifconfig -a | sed "s/^/ifconfig=/"; hostname -I | sed "s/^/hosts=/"; fi;',
    "} 2>/dev/null;",
    'printf "%s-%s\\n" "outkept" "identity-ends"',
)

IDENTIFY_SCRIPT = f"exec sh -c '{' '.join(_LINES)}'"
"""POSIX sh on Linux (GNU or busybox) and, as far as it is cheap, BSD and macOS. One line
without single quotes, so that csh and fish hand it to `sh` unharmed. It prints `key=value`
lines between two marker lines; only what it could find out."""

BEGINS = b"outkept-identity-begins"
ENDS = b"outkept-identity-ends"
