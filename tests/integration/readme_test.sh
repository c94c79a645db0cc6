#!/usr/bin/env bash
# Runs every command of README.md: all ```sh blocks, in their order, in one shell, in a
# scratch folder that looks like the checkout. The rules below shorten what would take
# long and put this machine's ports, hosts and paths in; everything else runs as it is
# written. A rule that matches nothing is an error, so the rules cannot rot unseen.
# Needs SR2L_SOURCE (the checkout) and SR2L_BUILD (its build folder).
# shellcheck disable=SC2016  # dollars in the rules are for the script that they make
set -euo pipefail

scratch=$(mktemp -d)
trap 'cd /; rm -rf "$scratch"' EXIT
cd "$scratch"
ln -s "$SR2L_SOURCE/deploy" "$SR2L_SOURCE/tests" .
ln -s "$SR2L_BUILD" build
awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$SR2L_SOURCE/README.md" >commands
[[ $(wc -l <commands) -ge 30 ]] || { echo "README.md has lost its commands"; exit 1; }

shorten() {
  sed -E "$1" commands >shortened
  if cmp -s commands shortened; then
    echo "no command of README.md matches the rule $1"
    exit 1
  fi
  mv shortened commands
}

free_port() {
  local port
  for _ in {1..100}; do
    port=$((20000 + RANDOM % 10000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
  return 1
}

# A MuJoCo release as it is unpacked, made of this machine's.
mkdir -p mujoco/include mujoco/lib
header=$(find /usr/include -path '*/mujoco/mujoco.h' -print -quit)
library=$(find /usr/lib -name libmujoco.so -print -quit)
ln -s "$(dirname "$header")" mujoco/include/mujoco
ln -s "$library" mujoco/lib/libmujoco.so

shorten 's|^(deploy/quickstart)( .*)$|\1 --run runs/quickstart --set rounds=2|'
shorten 's|^(tests/run[^#]*).*$|\1 --show-only|'
shorten 's|^(tests/sanitize.*)$|true \1|'
shorten 's|(train .*trpo_sr_swimmer.*)$|\1 --set rounds=2|'
shorten 's|(train .*paper/trpo_swimmer.*)$|\1 --set rounds=2|'
shorten 's|^(deploy/figure .*) --steps .*$|\1 --steps 2000 --episodes 1 --out runs/figures|'
shorten 's|(train .*evaluation.*)$|\1 --set rounds=2 --set evaluation.episodes=1|'
shorten 's|(train .*own_robot.*)$|\1 --set rounds=2|'
shorten 's|(evaluate runs/swimmer .*)--episodes 10$|\1--episodes 1|'
# A machine that cannot draw says so.
shorten 's/^(build\/bin\/sr2l play .*)$/\1 --steps 2 2>play_error || grep "needs the packages" play_error/'
shorten 's|(submit [^ ]*)|\1 --set rounds=3|'
shorten 's|^cmake -S \. -B build -G Ninja$|cmake -S "$SR2L_SOURCE" -B "$SR2L_BUILD"|'
shorten 's|^(cmake --build build)$|\1 --target help >/dev/null|'
shorten 's|-S \. -B build-|-S "$SR2L_SOURCE" -B build-|'
shorten 's|/opt/libtorch|/usr|'
shorten "s|/opt/mujoco|$scratch/mujoco|"
shorten 's/(replay|learner)-host:/localhost:/g'
shorten 's/DNS:\$role-host/DNS:localhost/'
for port in 7001 7002 7003 7004 7005 7006 9102; do
  shorten "s/:$port/:$(free_port)/g"
done
# A program that is started is waited for, as a person would.
shorten 's|^(.*--listen [^ ]*:([0-9]+) .*&)$|\1\nawait_port \2|'

cat >script <<'END'
set -euo pipefail
stop() { for job in $(jobs -p); do kill "$job" || true; done; wait; }
trap stop EXIT
await_port() {
  for _ in {1..600}; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
    sleep 0.1
  done
  echo "nothing listens on port $1"
  return 1
}
set -v
END
cat commands >>script
bash script </dev/null

grep -q "^MuJoCo_LIBRARY:FILEPATH=$scratch/mujoco/" build-releases/CMakeCache.txt ||
  { echo "-DMuJoCo_ROOT is not what is used"; exit 1; }
echo "README.md: every command ran"
