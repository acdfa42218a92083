nodes:
	deploy/local/nodes.sh start
