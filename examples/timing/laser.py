# Engine 0: a laser at every 28th tick, on for 100 shots and off for 100.
# bit 0: every shot, bit 1: laser on, bit 2: laser off
SPACING = 28
SHOTS = 100

instrset = []
instrset.append(FixedRateSync(marker="1H", occ=1))
first = len(instrset)
for state in [1, 2]:
    line = len(instrset)
    instrset.append(ControlRequest([0, state]))
    instrset.append(FixedRateSync(marker="910kH", occ=SPACING))
    instrset.append(Branch.conditional(line=line, counter=0, value=SHOTS - 1))
instrset.append(Branch.unconditional(line=first))

title = 'laser on/off, %d ticks' % SPACING
seqcodes = {0: 'shot', 1: 'laser on', 2: 'laser off'}
