# From a config to phase diagrams and figures:
#
#   snakemake --cores all                                   the main job, config/config.yaml
#   snakemake --cores all --configfile config/test.yaml     another config
#   snakemake --dry-run                                     what would be done
#   snakemake --report report.html                          a report of all that is there
#   snakemake --profile profiles/slurm                      the same on a cluster (docs/hpc.md)
#
# Studies are split into shards; one job simulates one shard. Shards are never computed twice: what a config
# asks for and is there already, from this or an earlier run, is kept.
DEFAULT_CONFIG = "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/aggregate.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/one_run.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        expand(DIAGRAM, study=CONFIG.studies),
        expand(FIGURE, figure=CONFIG.figures, suffix=["pdf", "svg", "png"]),
    message:
        f"done: phase diagrams in {RESULTS}/, figures in {FIGURES}/"


onstart:
    refuse_second_run()
    wait_for_orphans()
    check_resources()
    register_shards()
