# Run as root in a minimal Debian 12: what a node of a pair has before its first boot. Emulated processors are slow, so whatever
# no step of the story needs is left out or switched off.
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

# Nothing is started while the image is made.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d

# Documentation takes half the time of an installation; that of paird stays, since its HAProxy example is used.
cat >/etc/dpkg/dpkg.cfg.d/lean <<'END'
force-unsafe-io
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-include=/usr/share/doc/paird/*
path-include=/usr/share/man/man?/pair*
END

apt-get -q update </dev/null
install() {
    apt-get -qy --no-install-recommends install "$@" </dev/null
}

# An initial RAM disk with the three modules that find this disk, not with those of every disk there is.
install initramfs-tools
sed -i 's/^MODULES=.*/MODULES=list/; s/^COMPRESS=.*/COMPRESS=gzip/' /etc/initramfs-tools/initramfs.conf
printf '%s\n' virtio_pci virtio_blk ext4 >/etc/initramfs-tools/modules

install systemd-sysv udev dbus cloud-init haproxy linux-image-cloud-amd64 qemu-guest-agent iproute2 procps curl ca-certificates
mv /boot/vmlinuz-* /boot/kernel
mv /boot/initrd.img-* /boot/initrd

# The network is what cloud-init writes for systemd-networkd.
systemctl enable systemd-networkd.service
printf 'datasource_list: [NoCloud]\n' >/etc/cloud/cloud.cfg.d/90_datasource.cfg
# Modules of cloud-init for what is not in this image: neither locales nor an SSH server, nor anything of other vendors.
sed -i -E '/^ - (locale|ssh|ssh-import-id|ssh-authkey-fingerprints|keys-to-console|set-passwords|snap|grub-dpkg|byobu|fan|landscape|lxd|puppet|chef|mcollective|salt-minion|reset_rmc|refresh_rmc_and_interface|rightscale_userdata)$/d' /etc/cloud/cloud.cfg
printf '/dev/vda / ext4 defaults 0 1\n' >/etc/fstab

systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer logrotate.timer systemd-timesyncd.service getty@tty1.service serial-getty@ttyS0.service

# Every machine makes its own.
: >/etc/machine-id

apt-get clean
rm -rf /var/lib/apt/lists/* /usr/sbin/policy-rc.d /etc/resolv.conf
