#!/usr/bin/env bash
# local-slurm.sh up DIR | down DIR
# A throw-away, real, single-node SLURM (munge + slurmctld + slurmd, and, when their
# packages are there, slurmdbd + MariaDB so that `sacct` works).  All files live under DIR,
# all sockets are under DIR or on the address of the host name (loopback, as a rule), TCP ports are picked at random.
# Debian: apt-get install --no-install-recommends munge slurmctld slurmd slurm-client \
#                         slurmdbd slurm-wlm-mysql-plugin mariadb-server-core
# After `up`:  . DIR/env.sh   (exports SLURM_CONF).   Knobs: LS_CPUS (8), LS_GPUS (0, pretend GPUs),
# LS_ACCT (1; 0 leaves the database out), LS_GRACE (10 seconds between preemption and kill), LS_OWNER (a pid: `down` runs by itself when that process is gone)
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin
usage() { sed -n '2,9p' "$0" >&2; exit 2; }
die()   { echo "local-slurm: $*" >&2; exit 1; }
[ $# = 2 ] || usage
[ "$1" = up ] && mkdir -p "$2"; [ -d "$2" ] || exit 0
D=$(cd "$2" && pwd -P); SELF=$(readlink -f "$0")
export SLURM_CONF=$D/slurm.conf
ORDER="slurmd slurmctld slurmdbd mariadbd munged"            # the order in which they are stopped

alive() { # NAME: is the process noted for NAME still alive, and of this cluster?
  local p; p=$(cat "$D/run/$1.pid" 2>/dev/null) && grep -qzxF "SLURM_CONF=$SLURM_CONF" "/proc/$p/environ" 2>/dev/null; }
start() { # NAME CMD...: run in the foreground of its own session, note the pid
  local n=$1; shift
  setsid "$@" </dev/null >>"$D/log/$n.out" 2>&1 & echo $! >"$D/run/$n.pid"; }
await() { # SECONDS WHAT NAME CMD...: poll CMD; stop at once when process NAME has died
  local end=$((SECONDS + $1)) what=$2 n=$3; shift 3
  until "$@" >/dev/null 2>&1; do
    kill -0 "$(cat "$D/run/$n.pid")" 2>/dev/null || { tail -n 5 "$D/log/$n".* >&2; die "$n died while waiting for $what"; }
    [ $SECONDS -lt $end ] || { tail -n 5 "$D/log/$n".* >&2; die "timed out waiting for $what"; }
    sleep 0.05
  done; }
port_open() { (exec 3<>"/dev/tcp/${A:-127.0.0.1}/$1") 2>/dev/null; }
free_ports() { # N free ports below the ephemeral range
  local n=$1 p; for p in $(shuf -i 20000-32000 -n 50); do
    port_open "$p" || { echo "$p"; n=$((n - 1)); }; [ "$n" -gt 0 ] || return 0; done; return 1; }
strays() { # pids of what jobs of this cluster left running: slurmstepd (by its log), job processes (by environment)
  local p
  for p in /proc/[0-9]*; do
    if [[ $(readlink "$p/exe" 2>/dev/null) == */slurmstepd* ]]; then
      [ -z "$(find "$p/fd" -lname "$D/*" 2>/dev/null)" ] || echo "${p#/proc/}"
    elif grep -qzxF "SLURM_CONF=$SLURM_CONF" "$p/environ" 2>/dev/null && grep -qz '^SLURM_JOB_ID=' "$p/environ"; then
      echo "${p#/proc/}"
    fi
  done; }
idle() { [ "$(sinfo -h -o %T | sort -u)" = idle ]; }

up() {
  local b n h; for b in munged slurmctld slurmd sbatch; do command -v $b >/dev/null || die "missing $b"; done
  [ "$(id -u)" = 0 ] || die "must be root (slurmd starts jobs as their submitter)"
  [ ${#D} -le 60 ] || die "DIR is too long for unix sockets: $D"
  for n in $ORDER; do ! alive "$n" || die "$n is already running from $D"; done
  h=$(hostname -s)
  A=$(getent ahostsv4 "$h" | awk 'NR == 1 {print $1}')       # the daemons bind to what the host name resolves to
  [ -n "$A" ] || die "host name '$h' does not resolve (/etc/hosts)"
  local bind=NoCtldInAddrAny                                 # Debian's 127.0.1.1: answers to srun come to 127.0.0.1
  [[ $A == 127.* && $A != 127.0.0.1 ]] || bind+=,NoInAddrAny
  [ -e "$D/.local-slurm" ] || [ -z "$(ls -A "$D")" ] || die "not empty, and not made by this script: $D"
  rm -rf "${D:?}"/{run,log,state,spool,db,gpu*,*.conf,env.sh}
  chmod 755 "$D"; : >"$D/.local-slurm"; mkdir "$D"/{run,log,state,spool}; mkdir -m 700 "$D/db"; mkdir "$D/db/data"
  local acct=${LS_ACCT:-1} cpus=${LS_CPUS:-8} gpus=${LS_GPUS:-0} mem P
  mem=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
  mapfile -t P < <(free_ports 3)
  for b in slurmdbd mariadbd; do command -v $b >/dev/null || acct=0; done

  (umask 077; head -c 128 /dev/urandom >"$D/run/munge.key")
  start munged munged -F --key-file="$D/run/munge.key" --socket="$D/run/munge.sock" \
    --pid-file="$D/run/munged.self" --log-file="$D/log/munged.log" --seed-file="$D/run/munge.seed"

  cat >"$SLURM_CONF" <<C
ClusterName=local
FirstJobId=$((1000 + RANDOM))
SlurmctldHost=$h($A)
SlurmctldPort=${P[0]}
SlurmdPort=${P[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$D/run/munge.sock,cred_expire=5
CommunicationParameters=$bind
StateSaveLocation=$D/state
SlurmdSpoolDir=$D/spool
SlurmctldPidFile=$D/run/slurmctld.self
SlurmdPidFile=$D/run/slurmd.self
SlurmctldLogFile=$D/log/slurmctld.log
SlurmdLogFile=$D/log/slurmd.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=3
MinJobAge=3600
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=2,bf_interval=2
SlurmctldParameters=preempt_send_user_signal
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
NodeName=localhost NodeHostname=$h NodeAddr=$A CPUs=$cpus RealMemory=$mem State=UNKNOWN $([ "$gpus" = 0 ] || echo "Gres=gpu:$gpus")
PartitionName=main Nodes=localhost Default=YES PriorityTier=1 PreemptMode=REQUEUE GraceTime=${LS_GRACE:-10} DefaultTime=10 MaxTime=1440
PartitionName=high Nodes=localhost PriorityTier=10 PreemptMode=OFF DefaultTime=10 MaxTime=1440
PartitionName=short Nodes=localhost PriorityTier=10 PreemptMode=OFF DefaultTime=4 MaxTime=4
C
  if [ "$gpus" != 0 ]; then                                  # pretend GPUs: copies of /dev/null stand for the devices
    echo "GresTypes=gpu" >>"$SLURM_CONF"
    for n in $(seq 0 $((gpus - 1))); do mknod -m 666 "$D/gpu$n" c 1 3; done
    echo "NodeName=localhost Name=gpu Flags=nvidia_gpu_env File=$D/gpu[0-$((gpus - 1))]" >"$D/gres.conf"
  fi
  await 5 "munge" munged munge -n -S "$D/run/munge.sock"

  if [ "$acct" = 1 ]; then                                   # unix socket only, in a 0700 directory: no password
    start mariadbd mariadbd --no-defaults --user=root --datadir="$D/db/data" --socket="$D/db/sock" \
      --pid-file="$D/db/pid" --skip-networking --skip-grant-tables \
      --innodb-buffer-pool-size=64M --innodb-log-file-size=8M --innodb-lock-wait-timeout=900 \
      --innodb-flush-log-at-trx-commit=0 --log-error="$D/log/mariadbd.log"
    (umask 077; cat >"$D/slurmdbd.conf" <<C
AuthType=auth/munge
AuthInfo=socket=$D/run/munge.sock
DbdHost=localhost
DbdAddr=$A
DbdPort=${P[2]}
CommunicationParameters=NoInAddrAny
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
PidFile=$D/run/slurmdbd.self
LogFile=$D/log/slurmdbd.log
CommitDelay=0
C
    )
    printf '%s\n' AccountingStorageType=accounting_storage/slurmdbd AccountingStorageHost="$A" \
      AccountingStoragePort="${P[2]}" AccountingStoragePass="$D/run/munge.sock" >>"$SLURM_CONF"
    await 10 "MariaDB" mariadbd test -S "$D/db/sock"
    MYSQL_UNIX_PORT=$D/db/sock start slurmdbd slurmdbd -D
    await 10 "slurmdbd" slurmdbd port_open "${P[2]}"
  else
    echo "AccountingStorageType=accounting_storage/none" >>"$SLURM_CONF"
  fi
  start slurmctld slurmctld -D -c
  start slurmd slurmd -D
  await 15 "an idle node" slurmctld idle
  alive slurmd || die "slurmd died"
  [ -z "${LS_OWNER:-}" ] || start watchdog bash -c \
    'while kill -0 "$1" 2>/dev/null; do sleep 1; done; exec "$0" down "$2"' "$SELF" "$LS_OWNER" "$D"
  echo "export SLURM_CONF=$SLURM_CONF" >"$D/env.sh"
}

down() {
  local n p i
  if alive watchdog; then p=$(cat "$D/run/watchdog.pid"); [ "$p" = $$ ] || kill "$p"; fi
  if alive slurmctld && alive slurmd; then                   # no job may outlive its slurmd
    for n in PENDING RUNNING SUSPENDED; do scancel --state=$n || true; done
    for ((i = 0; i < 100; i++)); do [ -n "$(squeue -h)" ] || break; sleep 0.1; done
    [ -z "$(squeue -h)" ] || echo "local-slurm: jobs left behind: $(squeue -h | xargs)" >&2
  fi
  for n in $ORDER; do
    if alive "$n"; then
      p=$(cat "$D/run/$n.pid"); kill "$p"
      for ((i = 0; i < 100; i++)); do alive "$n" || break; sleep 0.05; done
      ! alive "$n" || { echo "local-slurm: $n ($p) ignored SIGTERM, killing it" >&2; kill -9 "$p"; }
    fi
    rm -f "$D/run/$n.pid"
  done
  p=$(strays); [ -z "$p" ] || { echo "local-slurm: killing what jobs left:" $p >&2; kill -9 $p 2>/dev/null || true; }
}

case $1 in
  up)   trap '[ $? = 0 ] || down' EXIT; up;;
  down) down;;
  *)    usage;;
esac
