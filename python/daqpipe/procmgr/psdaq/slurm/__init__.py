"""What process files of the Slurm manager import."""
