import { pairs, execForm, type Stage } from './dockerfile.ts';

/**
 * Returns a shell script that does what an engine would do to build the stages, and then runs the last one. There is no base
 * image: each stage begins as a view of this machine's files, whose changes go to memory. The script has to run in a mount
 * namespace of its own (`unshare --mount`), as root.
 *
 * Its arguments are a folder to work in, which has to be empty, and the folder with what may be copied. The last stage runs as
 * its USER, without capabilities, on files that can't be written, with an empty volume.
 * @param settings the environment of the container, beside the image's own
 */
export function replayScript(stages: readonly Stage[], settings: Readonly<Record<string, string>>): string {
  const last = stages.at(-1);
  if (last === undefined) throw new Error('the Dockerfile has no stage');
  return [PRELUDE, ...stages.map(stageLines), runLines(last, settings)].flat().join('\n');
}

const PRELUDE = `set -eu
work=$1 context=$2
mount -t tmpfs tmpfs "$work"
stage() {
  mkdir -p "$work/$1/changes" "$work/$1/overlay" "$work/$1/root"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$work/$1/changes,workdir=$work/$1/overlay" "$work/$1/root"
  root=$work/$1/root
  mount --rbind /proc "$root/proc"
  mount --rbind /dev "$root/dev"
}
# Copies as COPY does: of a folder its contents, into a place that ends with a slash, and all as root's.
copy() {
  from=$1 to=$root$2
  shift 2
  for source in "$@"; do
    [ -e "$from/$source" ] || { echo "COPY: there is no $source" >&2; exit 1; }
    if [ -d "$from/$source" ]; then mkdir -p "$to"; cp -R --preserve=mode,links "$from/$source/." "$to"
    else case $to in */) mkdir -p "$to" ;; *) mkdir -p "$(dirname "$to")" ;; esac; cp --preserve=mode "$from/$source" "$to"; fi
  done
}`;

function stageLines({ name, instructions }: Stage): readonly string[] {
  const lines = [`stage ${name}`];
  const env: Record<string, string> = {};
  let folder = '/';
  for (const { name: what, flags, rest } of instructions) {
    const words = rest.split(' ');
    if (what === 'WORKDIR') {
      folder = rest;
      lines.push(`mkdir -p "$root${folder}"`);
    } else if (what === 'ENV') {
      Object.assign(env, pairs(rest));
    } else if (what === 'COPY') {
      const from = flags.find((flag) => flag.startsWith('from='))?.slice('from='.length);
      const target = words.at(-1) ?? '';
      const place = target.startsWith('/') ? target : `${folder}/${target}`;
      const source = from === undefined ? '"$context"' : `"$work/${from}/root"`;
      lines.push(`copy ${source} ${place} ${words.slice(0, -1).join(' ')}`);
    } else if (what === 'RUN') {
      const settings = Object.entries(env).map(([key, value]) => `${key}=${value}`);
      lines.push(`env ${settings.join(' ')} chroot "$root" sh -c ${quote(`cd ${folder} && ${rest}`)} >&2`);
    }
  }
  return lines;
}

function runLines({ instructions }: Stage, settings: Readonly<Record<string, string>>): readonly string[] {
  const restOf = (name: string) => instructions.findLast((each) => each.name === name)?.rest ?? '';
  const env = { ...pairs(restOf('ENV')), ...settings };
  const [uid = '', gid = ''] = restOf('USER').split(':');
  const volume = restOf('VOLUME');
  const command = [...execForm(restOf('ENTRYPOINT')), ...execForm(restOf('CMD'))];
  return [
    // A volume that is new has the owner and the mode of the folder in the image.
    `owner=$(stat --format '%u:%g' "$root${volume}") mode=$(stat --format '%a' "$root${volume}")`,
    `mount -t tmpfs tmpfs "$root${volume}"`,
    `chown "$owner" "$root${volume}"; chmod "$mode" "$root${volume}"`,
    'mount -o remount,ro "$root"',
    `exec chroot "$root" setpriv --reuid ${uid} --regid ${gid} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \\`,
    `  env -i --chdir=${restOf('WORKDIR')} "PATH=$PATH" ${Object.entries(env)
      .map(([key, value]) => quote(`${key}=${value}`))
      .join(' ')} ${command.map(quote).join(' ')}`,
  ];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
