#!/bin/bash
# Boots a systemd of its own, over the files of this machine, none of which it changes: boot.sh FOLDER LOWER SHARED REPOSITORY
# FOLDER gets what the others need: "pid" (its process 1), "cgroup", "console". SHARED is its /mnt/shared, REPOSITORY its /opt/supervisor.
# LOWER is the root that it sees below its own changes. Ends with 0 when its units are up.
set -euo pipefail
folder=$1 lower=$2 shared=$3 repository=$4

mount -t tmpfs -o mode=755 supervisor-test "$folder"
mkdir "$folder"/{changes,scratch,root}

cgroups=/sys/fs/cgroup
[ -e $cgroups/cgroup.controllers ] || cgroups=$cgroups/unified
cgroup=$cgroups/supervisor-test.$$
mkdir "$cgroup"
echo "$cgroup" >"$folder/cgroup"

cat >"$folder/inside" <<'INSIDE'
set -euo pipefail
folder=$1 lower=$2 shared=$3 repository=$4 root=$1/root
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$folder/changes,workdir=$folder/scratch" "$root"

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mkdir -p "$root/mnt/shared"
mount --bind "$shared" "$root/mnt/shared"
mkdir -p "$root/opt/supervisor"
mount --bind "$repository" "$root/opt/supervisor"

# Nothing of what the machine would start: only what every systemd needs, and no hardware.
units=$root/etc/systemd/system
mkdir -p "$units"
rm -rf "$units"/*.wants "$root/var/log/journal"
: >"$root/etc/fstab"
echo 00112233445566778899aabbccddeeff >"$root/etc/machine-id"
printf '[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n' >"$units/supervisor-test.target"
for unit in systemd-{udevd,udev-trigger,timesyncd,networkd,resolved,remount-fs,sysctl,modules-load,random-seed}.service \
  systemd-udevd-{control,kernel}.socket systemd-journald-audit.socket apparmor.service proc-sys-fs-binfmt_misc.automount \
  dev-{hugepages,mqueue}.mount sys-kernel-{config,debug,tracing}.mount sys-fs-fuse-connections.mount; do
  ln -sf /dev/null "$units/$unit"
done

cd "$root"
mkdir -p .before
pivot_root . .before
umount -l /.before
rmdir /.before
# LoadCredential= hands its folder on through a mount, which only a shared tree lets through.
mount --make-rshared /
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=supervisor-test /lib/systemd/systemd \
  --unit=supervisor-test.target --log-target=console --log-level=notice --show-status=no </dev/null
INSIDE

(
  echo "$BASHPID" >"$cgroup/cgroup.procs"
  exec setsid unshare --pid --fork --mount --cgroup --uts --ipc --kill-child bash "$folder/inside" "$folder" "$lower" "$shared" "$repository"
) </dev/null >"$folder/console" 2>&1 &
outside=$!

for _ in $(seq 250); do
  first=$(cat "/proc/$outside/task/$outside/children" 2>/dev/null || true)
  if [ -n "$first" ]; then
    first=${first%% *}
    echo "$first" >"$folder/pid"
    case $(nsenter -t "$first" -m -p -C -u -i -- systemctl is-system-running 2>/dev/null || true) in
    running | degraded) exit 0 ;;
    esac
  fi
  kill -0 $outside 2>/dev/null || break
  sleep .04
done
cat "$folder/console" >&2
exit 1
