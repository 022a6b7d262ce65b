# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
#
# For scripts that run ansible-test; they source this file. It needs .venv (make setup) and takes from the script:
#   root   the repository
#   work   an empty folder
# and gives, after `prepare_ansible_test`:
#   tree             a copy of the tracked and new files, at a path that ansible-test takes for a collection's
#   python_version   what ansible-test is to be given as --python
# in an environment in which ansible-test keeps to the repository.

copy_tree() {
  mkdir -p "$tree"
  cd "$root" || return
  # Files deleted but not yet committed are still in git's list; tar would stop at them.
  git -c safe.directory="$root" ls-files -z --cached --others --exclude-standard \
    | while IFS= read -r -d '' file; do [[ ! -e $file && ! -L $file ]] || printf '%s\0' "$file"; done \
    | tar --null --files-from=- --create --file=- \
    | tar --directory="$tree" --extract --file=-
}

# ansible-test brings pip into its virtual environments with a script that it downloads from a host of its own
# (https://github.com/ansible/ansible/issues/77304). This stand-in, put where the download would go, takes the same
# pip from the package index instead.
provide_pip() {
  local cache=$HOME/.ansible/test/cache version script
  version=$(python -c '
from types import SimpleNamespace
from ansible_test._internal.python_requirements import get_venv_packages
print(get_venv_packages(SimpleNamespace(version="'"$python_version"'"))["pip"])')
  script=$cache/get_pip_${version//./_}.py
  [[ ! -e $script ]] || return 0
  mkdir -p "$cache"
  python -m pip download --no-deps --dest "$cache" "pip==$version"
  cat >"$script" <<PYTHON
import os
import runpy
import sys

folder = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(folder, "pip-$version-py3-none-any.whl"))
options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
sys.argv = ["pip", "install", "--no-index", "--find-links", folder, *options]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
PYTHON
}

prepare_ansible_test() {
  # ansible-test takes a collection only at a real path of this shape, so it gets a copy, and looks at all it finds there.
  tree=$work/ansible_collections/pbxops/yeastar
  export LC_ALL=C.UTF-8
  export PATH=${ANSIBLE_TEST_VENV:-$root/.venv}/bin:$PATH
  # Its virtual environments and caches stay apart from the user's, and are kept: a second run takes seconds.
  # pip's own settings and cache are the user's all the same.
  export XDG_CONFIG_HOME=${XDG_CONFIG_HOME:-$HOME/.config} XDG_CACHE_HOME=${XDG_CACHE_HOME:-$HOME/.cache}
  export HOME=$root/.venv/ansible-test PIP_QUIET=1 PIP_DISABLE_PIP_VERSION_CHECK=1
  unset ANSIBLE_HOME ANSIBLE_CONFIG ANSIBLE_COLLECTIONS_PATH PYTHONPATH
  python_version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  provide_pip
  copy_tree
}
