"""Writes README's table of results from notebooks/results, and its minutes from notebooks/durations.csv.

It also writes which notebooks `binder/reproduce` runs alone, and for how long, as its --plan says.

    target/venv/bin/python binder/readme.py            # renews README.md
    target/venv/bin/python binder/readme.py --check    # fails if README.md is not what the tables say

No number of these tables is typed by hand, except the paper's own.
"""
import argparse
import csv
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import durations

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- results: [^\n]*-->\n).*?(<!-- end -->\n)", re.S)
ROW = re.compile(r"^(\| \[[\w-]+\]\(notebooks/([\w-]+)\.ipynb\) \| [^|]* \| )([^|]*)(\|)", re.M)

# what `binder/reproduce` alone runs: in README's command, and in its table of times
COMMAND = re.compile(r"(# sets everything up, runs )\w+( notebooks)$", re.M)
PLANNED = re.compile(r"^(\| the )\w+( notebooks, as stored in notebooks/durations\.csv \| )[^|]*( \|)$", re.M)
WORDS = ("no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
         "seventeen eighteen nineteen twenty").split()


class Recorded:
    """The values that notebooks recorded, read as they are asked for."""

    def __init__(self):
        self.tables = {}

    def __call__(self, notebook, name):
        if notebook not in self.tables:
            with open(ROOT / "notebooks" / "results" / f"{notebook}.csv", newline="") as file:
                self.tables[notebook] = {row["name"]: row["value"] for row in csv.DictReader(file)}
        if name not in self.tables[notebook]:
            sys.exit(f"notebooks/results/{notebook}.csv has no value \"{name}\", which README's table shows")
        return self.tables[notebook][name]


def number(text):
    """Returns a recorded value with two significant digits, and no power of ten: 0.047, 6.9, 0.000074."""
    value = float(text)
    digits = 2 if value == 0 else max(0, 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def rows(recorded):
    """Returns README's rows: question, the paper, here, interval, notebook."""

    def value(notebook, name):
        return number(recorded(notebook, name))

    def interval(notebook, name):
        return f"[{value(notebook, name + ' low')}, {value(notebook, name + ' high')}]"

    def estimates(notebook, *names):
        """Returns the end of a row: values, their intervals, notebook."""
        return ("; ".join(value(notebook, name) for name in names),
                "; ".join(interval(notebook, name) for name in names), notebook)

    sweep, toxic, dial, truth, refusal, concepts, linear, bounds = (
        "10-sweep", "05-toxicity", "04-strength-as-a-dial", "06-truthfulness", "07-refusal", "08-concepts",
        "02-local-linearity", "03-performance-bounds")
    feedback, disturbed = "11-does-feedback-pay", "14-what-disturbs-a-text"
    model = "SmolLM2-135M-Instruct"
    return [
        ("Strength in texts under A-LQR, asked for 0.75, 1.25 and 1.75 gaps; with no controller", "",
         "; ".join(value(sweep, f"strength {arm}") for arm in ("A-LQR 0.75", "A-LQR 1.25", "A-LQR 1.75", "none")), "",
         sweep),
        ("Share of toxic texts with A-LQR, and with no controller", "Gemma-2-2B: 0.18 %, and 4.16 %",
         f"{value(toxic, 'toxic A-LQR')}, and {value(toxic, 'toxic none')}", "", toxic),
        ("Mean lexical toxicity of these texts", "no such measure",
         f"{value(toxic, 'lexical toxicity A-LQR')}, and {value(toxic, 'lexical toxicity none')}", "", toxic),
        ("By the mean, A-LQR minus ActAdd; the paper by the share", "-0.92 %", *estimates(toxic, "A-LQR minus ActAdd")),
        ("By the mean, A-LQR minus S-PID; the paper by the share", "-0.62 %", *estimates(toxic, "A-LQR minus S-PID")),
        ("Perplexity of these texts, A-LQR against none", "12.26 against 8.95",
         f"{value(toxic, 'perplexity A-LQR')} against {value(toxic, 'perplexity none')}", "", toxic),
        ("School knowledge under this steering, A-LQR against none", "MMLU 53.6 % against 54.5 %",
         f"{value(toxic, 'knowledge MC1 A-LQR')} against {value(toxic, 'knowledge MC1 none')}", "", toxic),
        ("Strength at a prompt's last token, asked for one gap: LQ tracker of 04; A-LQR; its frozen inputs", "",
         f"{value(dial, 'reached LQ tracker 1.0')}; {value(dial, 'reached A-LQR 1.0')}; "
         f"{value(dial, 'reached A-LQR frozen 1.0')}", "", dial),
        ("Toxicity at 0.2 nats, A-LQR minus its frozen inputs", "",
         *estimates(toxic, "A-LQR frozen / A-LQR closed minus open")),
        ("Truthfulness (MC2) at 0.2 nats, A-LQR minus none", "Llama-3-8B: truth x informativeness +17 %",
         *estimates(truth, "MC2 gain A-LQR")),
        ("Truthfulness (MC2) at 0.2 nats, A-LQR minus its frozen inputs", "",
         *estimates(truth, "A-LQR frozen / A-LQR closed minus open")),
        ("Harmful requests refused, A-LQR against none; harmless ones", "",
         f"{value(refusal, 'harmful refused A-LQR')} against {value(refusal, 'harmful refused none')}; "
         f"{value(refusal, 'harmless refused A-LQR')} against {value(refusal, 'harmless refused none')}", "", refusal),
        ("Refused by A-LQR behind a gate on the request: harmful requests; harmless ones", "",
         *estimates(refusal, "harmful refused gated", "harmless refused gated")),
        ("Harmful requests refused with all tokens steered: A-LQR; its frozen inputs", "",
         *estimates(refusal, *(f"harmful refused with all tokens steered {arm}" for arm in ("A-LQR", "A-LQR frozen")))),
        ("Harmless requests refused with all tokens steered: A-LQR; its frozen inputs", "",
         *estimates(refusal, *(f"harmless refused with all tokens steered {arm}" for arm in ("A-LQR", "A-LQR frozen")))),
        ("Six concepts shown at 0.2 nats, A-LQR minus none; an instruction (0.25 nats) minus none", "",
         *estimates(concepts, "mentions A-LQR less none", "mentions prompting less none")),
        ("Texts that show their concept at 0.2 nats, A-LQR minus its frozen inputs", "",
         *estimates(feedback, f"{model} A-LQR frozen / A-LQR closed minus open")),
        ("A-LQR minus a plan that knows its own inputs (exploratory)", "",
         *estimates(feedback, "none A-LQR planned / A-LQR closed minus open")),
        ("The experiment's LQ tracker minus its frozen inputs; minus a plan that knows its own inputs (exploratory)", "",
         *estimates(feedback, f"{model} LQ tracker frozen / LQ tracker closed minus open",
                    "none LQ tracker planned / LQ tracker closed minus open")),
        ("Where the prompt names the concept: A-LQR minus its frozen inputs", "",
         *estimates(disturbed, "on topic A-LQR frozen / A-LQR closed minus open")),
        ("Where the prompt names the concept: A-LQR minus a plan that knows its own inputs (exploratory)", "",
         *estimates(feedback, "on topic A-LQR planned / A-LQR closed minus open")),
        ("Where the prompt leads away from it: A-LQR minus its frozen inputs", "",
         *estimates(disturbed, "against A-LQR frozen / A-LQR closed minus open")),
        ("With noise on the residual stream: A-LQR minus its frozen inputs", "",
         *estimates(disturbed, "noise 0.2 at depth 0.5 seed 1 A-LQR frozen / A-LQR closed minus open")),
        ("At temperature 1.2: A-LQR minus its frozen inputs", "",
         *estimates(disturbed, "temperature 1.2 A-LQR frozen / A-LQR closed minus open")),
        ("Error of a block's Jacobian a tenth of the state away: the prompt's own, and the mean over prompts",
         "\"locally linear\"",
         f"{value(linear, f'{model} error own 0.1')}, and {value(linear, f'{model} error mean 0.1')}", "", linear),
        ("Skill of the mean Jacobian over A = I, the skip connection, a tenth of the state away", "",
         *estimates(linear, f"{model} skill mean 0.1")),
        ("New prompts below a conformal bound that promises 0.9", "none: its bound is of the runs it was sampled from",
         value(bounds, "coverage promised 0.9"), "", bounds),
    ]


def table():
    lines = ["| question | paper | here | interval | notebook |", "| --- | --- | --- | --- | --- |"]
    for question, paper, here, interval, notebook in rows(Recorded()):
        lines.append(f"| {question} | {paper} | {here} | {interval} | [{notebook[:2]}](notebooks/{notebook}.ipynb) |"
                     .replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def planned():
    """Returns the notebooks that `binder/reproduce` chooses when it is given none."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUDDER_")}
    plan = subprocess.run([ROOT / "binder" / "reproduce", "--plan"], env=environment, check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    return re.findall(r"^    ([\w-]+)", plan.split("In all")[0], re.M)


def once(pattern, replacement, text):
    """Returns the text with the pattern's only match replaced."""
    text, found = pattern.subn(replacement, text)
    if found != 1:
        sys.exit(f"README.md has {found} lines of the form {pattern.pattern}, wanted 1")
    return text


def renewed(text):
    times = durations.read()
    listed = [match.group(2) for match in ROW.finditer(text)]
    if listed != list(times):
        sys.exit(f"README's table has the notebooks {', '.join(listed)}; {durations.TABLE.name} has {', '.join(times)}")
    text = ROW.sub(lambda row: f"{row.group(1)}{durations.spoken(int(times[row.group(2)]['seconds']))} {row.group(4)}",
                   text)
    names = planned()
    minutes = durations.spoken(sum(int(times[name]["seconds"]) for name in names))
    text = once(COMMAND, rf"\g<1>{WORDS[len(names)]}\g<2>", text)
    text = once(PLANNED, rf"\g<1>{WORDS[len(names)]}\g<2>{minutes}\g<3>", text)
    return BLOCK.sub(lambda block: f"{block.group(1)}\n{table()}\n{block.group(2)}", text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="change nothing, and fail if README.md would change")
    options = parser.parse_args()
    before = README.read_text()
    after = renewed(before)
    if after != before and options.check:
        sys.exit("README.md is not what notebooks/results and notebooks/durations.csv say: run binder/readme.py")
    if after != before:
        README.write_text(after)


if __name__ == "__main__":
    main()
