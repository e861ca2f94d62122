#!/bin/bash
# Radial data: what the weights of samples are worth to PGD and MoDL. A small experiment, no benchmark of speed.
#
#	bench/radial.sh
#
# 12 phantoms of 48 x 48 pixels with 4 coils and 13 spokes for training, 4 for validation; 150 iterations.
export BART=${BART:-$(cd "$(dirname "$0")/.." && pwd)/build/cpu/bart}
source "$(dirname "$0")/../tests/lib.sh"

X=48

# radial <data set> <samples> <seed>
radial()
{
	make_data "$1" "$2" $X $X 4 "$3"
	bart fmac "$1-ref" "$1-map" coils
	bart nufft traj coils clean
	bart noise -s 7 -n 0.000001 clean "$1-rad"
}

# row <network> <weights of samples, or nothing>
row()
{
	local p=${2:-}

	bart gleam --trajectory traj "--$1" ${p:+--pattern $p} -I 4 --features 24 -b 1 --lr 2e-3 --weight-decay 0 -n 150 --valid-every 50 \
		--valid-data "k=v-rad,c=v-map,r=v-ref,t=traj${p:+,p=$p}" w t-rad t-map t-ref > table 2> err || { cat err; exit 1; }

	awk -v name="$1" -v p="${p:+yes}" '"start" == $1 { s = $8 } { n = $8 } END { print "| " name " | " (p ? p : "no") " | " s " | " n " |" }' table
}

bart traj -r -x $X -y 13 traj
bart rss 1 traj radius
bart spow 0.5 radius weights

radial t 12 1
radial v 4 101

echo "| | weights | nRMSE of the start | nRMSE |"
echo "| --- | --- | --- | --- |"

for net in pgd modl; do

	row $net
	row $net weights
done
