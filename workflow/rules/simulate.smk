# One job per shard. A shard is what its name says, whatever else changes in the config: nothing makes it out of date.
# `update` keeps what is there when a job that was cut short starts again; the command itself knows what is left to do.
rule simulate:
    output:
        update(SHARD),
    log:
        "logs/simulate/{study}/{shard}.log",
    benchmark:
        "logs/simulate/{study}/{shard}.benchmark.tsv"
    threads: workflow.cores or 1
    params:
        launcher=lambda wildcards, resources: launcher(resources),
    message:
        "simulate {wildcards.study}, shard {wildcards.shard}, on {threads} threads"
    shell:
        "{params.launcher} vicollapse simulate --config {CONFIG_FILE:q} --study {wildcards.study}"
        " --shard {wildcards.shard} --threads {threads} 2>&1 | tee {log:q}"
